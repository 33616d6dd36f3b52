"""Whether a model's highest-density regions have the probabilities that they should have."""

from __future__ import annotations

import math

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array

__all__ = ["calibration", "largest_gap"]


@register_metric("calibration", family="likelihood", needs=("density",), order=78, ratio=False)
def calibration(evidence: Evidence) -> Score:
    """Largest gap between α and the share of test points in the model's region of mass α.

    The gap is over all α, and 0 is perfect. The region of mass α is {x: log p_model(x) ≥ c}, with c such that a share α
    of the model's own samples lies in it (Hyndman 1996). So the largest gap is the Kolmogorov–Smirnov distance between
    log p_model of the test points and of the model's own samples. A constant in log p does not change it; samples that
    do not follow the density do.
    """
    own = evidence.samples_model_log_prob
    assert evidence.model_log_prob is not None
    if own is None:
        return Score(math.nan, None, "calibration needs the model's density of its own samples, which it did not give")
    return Score(largest_gap(evidence.model_log_prob, own))


def largest_gap(a: Array, b: Array) -> float:
    """Return sup |F_a − F_b| of the empirical distribution functions of a [n] and b [m].

    It is NaN if a value is NaN.
    """
    values = np.concatenate([a, b])
    if np.isnan(values).any():
        return math.nan
    shares = [np.searchsorted(np.sort(part), values, "right") / len(part) for part in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())
