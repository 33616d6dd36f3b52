"""Are the samples as likely under the truth as its own points? Any sampler can be asked, whatever the dimension."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.calibration import largest_gap

__all__ = ["typicality", "typicality_ks"]


@register_metric("typicality", family="likelihood", unit="nats", needs=("true_density",), order=72, main=True)
def typicality(evidence: Evidence) -> Score:
    """1-Wasserstein distance between log p_true of the samples and of test points, in nats; infinite off the support.

    In many dimensions the truth's points all lie where log p is about −entropy, its typical set (Cover & Thomas 2006,
    chapter 3), however likely its mode is. Samples beside it are too unlikely; samples that huddle at modes too likely.
    What it cannot see is which part of the typical set they fill: a model without half of its modes is perfect here.
    """
    from scipy.stats import wasserstein_distance

    own, truth = evidence.samples_true_log_prob, evidence.true_log_prob
    off = float(np.isinf(own).mean())
    if off:
        return Score(np.inf, None, f"{100 * off:.2g} % of the samples lie off the support")
    return Score(float(wasserstein_distance(own, truth)))


@register_metric("typicality_ks", family="likelihood", label="typicality KS", needs=("true_density",), order=73)
def typicality_ks(evidence: Evidence) -> float:
    """Kolmogorov–Smirnov distance between log p_true of the samples and of test points: in 0 … 1, also off the support.

    It is `typicality` without units: a few points that are very unlikely hardly count.
    """
    return largest_gap(evidence.samples_true_log_prob, evidence.true_log_prob)
