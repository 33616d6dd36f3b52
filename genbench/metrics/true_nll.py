"""Negative true log-density of the samples."""

from __future__ import annotations

import math

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.log_density import mean_nats

__all__ = ["true_nll"]


@register_metric(
    "true_nll", family="likelihood", label="true NLL", unit="nats", needs=("true_density",), order=70, ratio=False
)
def true_nll(evidence: Evidence) -> Score:
    """−E log p_true over the samples, in nats; infinite if a sample is outside the support.

    A perfect model scores the entropy of the data. Less is not better: it means that the samples are concentrated where
    the density is high, and is flagged.
    """
    score = mean_nats(-evidence.samples_true_log_prob, "samples lie off the support")
    data = mean_nats(-evidence.true_log_prob, "test points lie off the support")
    if score.standard_error is None or data.standard_error is None:
        return score
    if score.value < data.value - 3 * math.hypot(score.standard_error, data.standard_error) - 1e-9:
        why = "samples huddle where the density is high (lost variance or lost modes)"
        return score._replace(
            flag=f"true_nll is {score.value:.3g}, more than 3 s.e. below the data's {data.value:.3g}: {why}"
        )
    return score
