"""Ends of axes: nearly all values, without outliers that would compress the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.core.types import Array
from genbench.plotting.style import INK
from genbench.statistics.outliers import inner_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BINS", "comparable", "edges", "extent_with", "limits", "say_outside"]

# Chosen by hand: beside scores that are farther away, others could not be distinguished.
DECADES, SPREADS = 4, 1000.0  # from the middle score: on a logarithmic axis, and on a linear one
BINS = "rice"  # 2 n^(1/3) bins of a histogram: numpy's finest rule that does not depend on a spike in the data
ROOM = 0.06  # of the extent, beyond the outermost points and ends


def limits(real: Array, margin: float) -> tuple[Array, Array]:
    """Return the lower and upper ends [d] of axes for points [n, d].

    They enclose nearly all points and a margin.

    Args:
        margin: the space on each side, as a share of the extent.
    """
    low, high = np.array([inner_range(column) for column in real.T]).T
    extent = high - low
    size = np.maximum(np.abs(low), np.abs(high))
    constant = extent <= 1e-12 * size  # up to rounding
    room = np.where(constant, np.maximum(0.5, 1e-3 * size), margin * extent)
    return low - room, high + room


def edges(values: Array, low: float, high: float) -> Array:
    """Return the edges of the bins of a histogram of values [n] over [low, high]."""
    return np.histogram_bin_edges(values[(values >= low) & (values <= high)], BINS, (low, high))


def comparable(scores: Array) -> Array:
    """Return which scores [n] fit on one axis: finite and not too far from the middle one."""
    finite = np.isfinite(scores)
    if not finite.any():
        return finite
    known = scores[finite]
    middle = known[np.argsort(np.abs(known), kind="stable")[(len(known) - 1) // 2]]
    with np.errstate(invalid="ignore", over="ignore"):
        if known.min() > 0:
            return finite & (np.abs(np.log10(np.where(scores > 0, scores, np.nan)) - np.log10(middle)) <= DECADES)
        away = np.abs(scores - middle)
        spread = np.sort(away[finite])
        scale = max(spread[(len(known) - 1) // 2], 0.1 * abs(middle)) or min(spread[spread > 0], default=0.0)
        return finite & (away <= SPREADS * scale)


def extent_with(points: Array, ends: Array, reach: float) -> tuple[float, float]:
    """Return the ends of an axis for points [n] and for nearby ends of intervals [m].

    There is some space on both sides.

    Args:
        reach: how far beyond the outermost point an interval extends the axis.
    """
    inner = np.concatenate([points, np.clip(ends, points.min() - reach, points.max() + reach)])
    low, high = float(inner.min()), float(inner.max())
    room = ROOM * (high - low) or reach
    return low - room, high + room


def say_outside(panel: Axes, count: int, right: float = 0.98) -> None:
    """Write at the bottom of a panel how many points are outside its axes.

    `right` is the position of the end of the text, as a share of the width.
    """
    if count:
        panel.text(right, 0.02, f"{count:,} outside", transform=panel.transAxes, ha="right", va="bottom", color=INK)
