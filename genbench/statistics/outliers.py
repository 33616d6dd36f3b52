"""The range of values without those that are far from all others."""

from __future__ import annotations

import numpy as np

from genbench.core.types import Array

__all__ = ["inner_range"]

# By hand: samples as heavy-tailed as a funnel's lie within, an outlier a thousand spreads away does not.
TAIL, MIDDLE, FAR = 0.001, 0.05, 10.0  # quantiles that are left out; that give the spread; and spreads beyond these


def inner_range(values: Array) -> tuple[float, float]:
    """Return about the lowest and the highest of values [n] without outliers."""
    low, first, last, high = np.quantile(values, [TAIL, MIDDLE, 1 - MIDDLE, 1 - TAIL])
    reach = FAR * (last - first)
    if reach > 0:
        near = values[(values >= first - reach) & (values <= last + reach)]
        low, high = max(low, near.min()), min(high, near.max())
    return float(low), float(high)
