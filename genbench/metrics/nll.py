"""Negative log-likelihood of the test split."""

from __future__ import annotations

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.log_density import mean_nats

__all__ = ["nll"]


@register_metric(
    "nll",
    family="likelihood",
    label="NLL",
    unit="nats",
    needs=("density",),
    order=30,
    ratio=False,
    by_likelihood=True,
    main=True,
)
def nll(evidence: Evidence) -> Score:
    """−E log p_model over the test points, in nats of the data's own units.

    It is an upper bound where log p is a lower bound.
    """
    assert evidence.model_log_prob is not None
    return mean_nats(-evidence.model_log_prob, "test points have density 0 (or infinity) under the model")
