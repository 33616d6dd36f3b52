"""Kullback–Leibler divergence from the model to the truth."""

from __future__ import annotations

import math

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.log_density import mean_nats

__all__ = ["kl_reverse"]


@register_metric(
    "kl_reverse",
    family="likelihood",
    label="reverse KL",
    unit="nats",
    needs=("density", "true_density"),
    order=75,
    ratio=False,
    by_likelihood=True,
)
def kl_reverse(evidence: Evidence) -> Score:
    """KL(p_model ‖ p_true) = E log p_model − log p_true over the model's samples, in nats.

    0 is perfect. `kl` is large if the model misses parts of the truth; this is large if the model has mass where the
    truth has none. It is infinite if a sample is outside the support. `self_consistency` tests whether the samples
    follow the density.
    """
    own = evidence.samples_model_log_prob
    if own is None:
        return Score(math.nan, None, "kl_reverse needs the model's density of its own samples, which it did not give")
    with np.errstate(invalid="ignore"):  # both densities may be 0
        log_ratio = own - evidence.samples_true_log_prob[: len(own)]
    return mean_nats(log_ratio, "samples lie off the support, or where the model's density is 0")
