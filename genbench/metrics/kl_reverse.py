"""Kullback–Leibler divergence from the model to the truth."""

from __future__ import annotations

import math

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.log_density import doubts, mean_nats, weight_above_1

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
    """KL(p_model ‖ p_true) = E log p_model − log p_true over the model's own samples, in nats; 0 is perfect.

    Where `kl` punishes what a model leaves out, this punishes what it makes up; it is infinite when a sample lies off
    the support. An exact density that does not fit the samples is flagged: E p_true / p_model over them is at most 1.
    """
    own = evidence.samples_model_log_prob
    if own is None:
        return Score(math.nan, None, "kl_reverse needs the model's density of its own samples, which it did not give")
    with np.errstate(invalid="ignore"):  # both densities may be 0
        log_ratio = own - evidence.samples_true_log_prob[: len(own)]
    score = mean_nats(log_ratio, "samples lie off the support, or where the model's density is 0")
    if evidence.likelihood != "exact":
        return score
    flags = doubts(score, "kl_reverse", "the model's samples do not follow its density")
    factor = weight_above_1(-log_ratio)
    if factor is not None:
        where = f"the density is too low by a factor of about {factor:.3g} where the model samples"
        flags.append(f"{where}: samples and density do not belong together")
    return score._replace(flag="; ".join(flags) or None)
