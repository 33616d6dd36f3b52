"""The largest Kolmogorov–Smirnov distance between the margins of samples and test points."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array

__all__ = ["kolmogorov_smirnov", "ks"]


@register_metric("ks", family="distance", label="KS", order=150)
def ks(evidence: Evidence) -> float:
    """Largest |F_samples(t) − F_test(t)| over thresholds t and coordinates, in 0 … 1.

    It does not depend on the units.
    """
    return max(kolmogorov_smirnov(u, v) for u, v in zip(evidence.samples.T, evidence.test.T, strict=True))


def kolmogorov_smirnov(u: Array, v: Array) -> float:
    """Return sup |F_u − F_v| of the empirical distribution functions of u [n] and v [m].

    Equal values count together.
    """
    n, m = len(u), len(v)
    values = np.concatenate([u, v])
    order = np.argsort(values)
    values = values[order]
    gap = np.cumsum(np.where(order < n, m, -n))  # n m (F_u − F_v) after each value, in whole numbers
    last = np.append(values[1:] > values[:-1], True)  # the distribution functions jump past all equal values at once
    return float(np.abs(gap[last]).max() / (n * m))
