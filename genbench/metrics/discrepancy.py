"""Unbiased E k(X, X') − 2 E k(X, Y) + E k(Y, Y') for a kernel k.

It is the MMD² of the kernel, or the energy distance for k = −‖x − y‖.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.core.types import Array

__all__ = ["Kernel", "discrepancy", "mean_between", "mean_within", "squared_distances"]

Kernel = Callable[[Array], Array]  # squared distances [b, m] -> values [b, m]; may write over its argument

BLOCK = 200  # rows at a time, so that a block of 2,000 columns stays in the cache; chosen by hand


def discrepancy(evidence: Evidence, kernel: Kernel) -> float:
    """Return E k(X, X') − 2 E k(X, Y) + E k(Y, Y'), each term unbiased.

    It is the mean over the evidence's sets. Samples are independent, so E k(X, X') is the mean over pairs of distinct
    samples (Gretton et al. 2012, eq. 3). Stratified reference points are not independent of each other: distinct points
    are in distinct strata, and a mean over their pairs would have a bias of O(1/n), as large as the noise of the
    result. Points of two reference sets are independent, so E k(Y, Y') is the mean over pairs from a set and the set
    before it.
    """
    sets = evidence.sets
    independent_sets = "truth" in evidence.has and len(sets) > 1  # the sets of real data share their points
    total = 0.0
    for k, (x, y) in enumerate(sets):
        yy = mean_between(kernel, y, sets[k - 1][1]) if independent_sets else mean_within(kernel, y)
        total += mean_within(kernel, x) - 2 * mean_between(kernel, x, y) + yy
    return total / len(sets)


def mean_between(kernel: Kernel, x: Array, y: Array) -> float:
    """Return the mean of k over all pairs of a point of x [n, d] and a point of y [m, d]."""
    blocks = (squared_distances(x[i : i + BLOCK], y) for i in range(0, len(x), BLOCK))
    return sum(float(kernel(block).sum()) for block in blocks) / (len(x) * len(y))


def mean_within(kernel: Kernel, x: Array) -> float:
    """Return the mean of k over all pairs of distinct points of x [n, d].

    Raises:
        ValueError: there are fewer than two points.
    """
    n, total = len(x), 0.0
    if n < 2:
        raise ValueError("one point has no pairs; give at least two")
    for i in range(0, n, BLOCK):
        rows = x[i : i + BLOCK]
        to_itself = squared_distances(rows, rows)
        np.fill_diagonal(to_itself, 0)  # exactly, where rounding left something
        total += float(kernel(to_itself).sum()) + 2 * float(kernel(squared_distances(rows, x[i + BLOCK :])).sum())
    return (total - n * float(kernel(np.zeros((1, 1)))[0, 0])) / (n * (n - 1))


def squared_distances(x: Array, y: Array) -> Array:
    """Return ‖xᵢ − yⱼ‖² [n, m] of points x [n, d] and y [m, d] as one matrix product.

    The origin is moved to the mean of y, so that data far from 0 lose no digits in ‖x‖² − 2⟨x, y⟩ + ‖y‖².
    """
    if len(y) == 0:
        return np.zeros((len(x), 0))
    origin = y.mean(axis=0)
    x, y = x - origin, y - origin
    left = np.column_stack([-2 * x, np.square(x).sum(axis=1), np.ones(len(x))])  # (n, d + 2)
    right = np.column_stack([y, np.ones(len(y)), np.square(y).sum(axis=1)])  # (m, d + 2)
    squared: Array = left @ right.T
    np.maximum(squared, 0, out=squared)
    return squared
