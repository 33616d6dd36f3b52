"""Whether the samples are as likely under the truth as its own points.

It needs no density of the model, and works in any dimension.
"""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.calibration import largest_gap

__all__ = ["typicality", "typicality_ks"]


@register_metric("typicality", family="likelihood", unit="nats", needs=("true_density",), order=72, main=True)
def typicality(evidence: Evidence) -> Score:
    """1-Wasserstein distance between log p_true of samples and of test points, in nats.

    It is infinite if a sample is outside the support. In many dimensions the truth's points all lie where log p is
    about −entropy, its typical set (Cover & Thomas 2006, chapter 3), however likely its mode is. Samples outside this
    set are too unlikely; samples concentrated at modes are too likely. The metric does not detect which part of the
    typical set is filled: a model without half of the modes is perfect here.
    """
    from scipy.stats import wasserstein_distance

    own, truth = evidence.samples_true_log_prob, evidence.true_log_prob
    off = float(np.isinf(own).mean())
    if off:
        return Score(np.inf, None, f"{100 * off:.2g} % of the samples lie off the support")
    return Score(float(wasserstein_distance(own, truth)))


@register_metric("typicality_ks", family="likelihood", label="typicality KS", needs=("true_density",), order=73)
def typicality_ks(evidence: Evidence) -> float:
    """Kolmogorov–Smirnov distance between log p_true of samples and of test points.

    It is in 0 … 1, also if samples are outside the support. It is like `typicality`, but without units: a few very
    unlikely points hardly count.
    """
    return largest_gap(evidence.samples_true_log_prob, evidence.true_log_prob)
