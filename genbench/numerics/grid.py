"""The grid on which values were recorded, and noise of one grid step as dequantisation."""

from __future__ import annotations

import numpy as np

from genbench.core.types import Array

__all__ = ["dequantise", "resolution"]

EXACT = 2.0**53  # up to here whole numbers are float64s, and are not rounded
ULPS = 8  # that rounding may move a value by, by hand: sums of a few terms stay below
APART = 16  # times that, at least, are true gaps; by hand: else both may be true ones


def resolution(x: Array) -> Array:
    """Return the smallest gap between distinct values of each column of x [n, d], [d].

    It is 0 for a constant column. Whole numbers are exact. In other columns, values that differ only by rounding count
    as equal: by up to 8 units in the last place of the column's largest value, in float64, or in float32 if all values
    are float32 numbers. A gap counts as rounding only if all other gaps are far larger.
    """
    return np.array([_smallest_gap(np.unique(column)) for column in x.T])


def _smallest_gap(distinct: Array) -> float:
    gaps = np.diff(distinct)
    if not gaps.size:
        return 0.0
    largest = max(abs(distinct[0]), abs(distinct[-1]))
    if largest <= EXACT and (distinct == np.rint(distinct)).all():
        return float(gaps.min())
    with np.errstate(over="ignore"):
        single = distinct.astype(np.float32)
        units = [float(np.spacing(np.abs(single).max()))] if (single == distinct).all() else []
    for unit in [*units, float(np.spacing(largest))]:
        rounding = ULPS * unit
        true = gaps[gaps > rounding]
        if _widest_run(distinct, gaps > rounding) <= rounding and true.min(initial=np.inf) >= APART * rounding:
            return float(true.min()) if true.size else 0.0
    return float(gaps.min())


def _widest_run(distinct: Array, parted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Return the widest stretch of sorted values that no gap parts."""
    begin = np.concatenate([distinct[:1], distinct[1:][parted]])
    end = np.concatenate([distinct[:-1][parted], distinct[-1:]])
    return float((end - begin).max())


def dequantise(x: Array, rng: np.random.Generator) -> Array:
    """Return x [n, d] plus uniform noise of one grid step of its column.

    The noise is U(−½, ½) of the resolution, so that the nearest grid value stays the same.
    """
    step = resolution(x)
    half = np.maximum(step / 2 - np.spacing(np.abs(x).max(axis=0)), 0)  # kept free of the middle, where it would round
    return x + np.clip(step * (rng.random(x.shape) - 0.5), -half, half)
