"""The negative log-likelihood of the validation split.

Models with a density are tuned by it.
"""

from __future__ import annotations

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Validation

__all__ = ["validation_nll"]


@register_metric(
    "validation_nll",
    family="validation",
    label="validation NLL",
    unit="nats",
    needs=("density",),
    order=10,
    ratio=False,
    by_likelihood=True,
    task="validate",
    main=True,
)
def validation_nll(evidence: Validation) -> Score:
    """Mean of −log p_model over the validation points, in nats of the data's own units."""
    assert evidence.log_prob is not None
    return Score.mean(-evidence.log_prob)
