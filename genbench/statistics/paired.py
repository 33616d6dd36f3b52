"""Paired tests of whether one model differs from another, for many pairs at once.

Pairs are the seeds that both models have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genbench.core.types import Array

__all__ = ["Difference", "holm", "paired", "paired_tests"]

ROUNDING = 1e-12  # by hand: differences that vary by less, relative to the values, are the same


class Difference(NamedTuple):
    """The difference of the means of b and a.

    Attributes:
        n: number of pairs.
        difference: mean of b minus mean of a.
        low, high: its interval; NaN if there is none.
        p: two-sided p-value of the hypothesis that there is no difference; NaN for fewer than two pairs.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float


def paired(a: Mapping[int, float], b: Mapping[int, float], level: float = 0.95) -> Difference:
    """Return the mean difference b − a over the seeds that both have, by the paired t-test.

    >>> paired({0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.5, 1: 2.0, 2: 4.0, 7: 9.0}).difference
    0.5
    """
    seeds = sorted(a.keys() & b.keys())
    x, y = (np.array([[values[seed] for seed in seeds]], dtype=np.float64) for values in (a, b))
    n, *rest = paired_tests(x, y, level)
    return Difference(int(n[0]), *(float(part[0]) for part in rest))


def paired_tests(a: Array, b: Array, level: float = 0.95) -> tuple[Array, Array, Array, Array, Array]:
    """Return n, difference, low, high and p of the paired t-test of each row of b − a.

    Each argument is [r, n], where NaN is a missing value; each result is [r]. If all values are equal, p = 1. If all
    differences of a row are the same but not 0, Student's t has no scale for comparison; then p = 2^(1−n), by flipping
    signs, and there is no interval.
    """
    if a.shape[1] == 0:
        none = np.full(len(a), np.nan)
        return np.zeros(len(a), dtype=np.int64), none, none, none, none
    d = b - a
    n, mean, variance = _moments(d)
    size = np.nanmax(np.abs(np.where(np.isnan(d), 0, np.abs(a) + np.abs(b))), axis=1)
    same = (n > 1) & (np.sqrt(variance) <= ROUNDING * size)
    low, high, p = _student(mean, np.sqrt(variance / np.maximum(n, 1)), n - 1.0, level)
    zero = same & (np.abs(mean) <= ROUNDING * size)
    p = np.where(zero, 1.0, np.where(same, 2.0 ** (1 - n), p))
    low, high = (np.where(zero, 0.0, np.where(same, np.nan, end)) for end in (low, high))
    return n, mean, low, high, p


def holm(p: Array) -> Array:
    """Return Holm's (1979) step-down adjusted p-values of p [m].

    NaN stays NaN and does not count as a test.

    The i-th smallest becomes the largest of (m − j + 1) p_(j) over j ≤ i, at most 1.

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=np.float64)
    m = int((~np.isnan(p)).sum())
    order = np.argsort(p)[:m]  # NaN sorts last
    adjusted = np.full_like(p, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate((m - np.arange(m)) * p[order]))
    return adjusted


def _moments(x: Array) -> tuple[Array, Array, Array]:
    """Return number, mean and variance of the values of each row of x [r, n] that are not NaN; NaN without enough."""
    there = ~np.isnan(x)
    n = there.sum(axis=1)
    mean = np.where(n > 0, np.where(there, x, 0).sum(axis=1) / np.maximum(n, 1), np.nan)
    squares = np.where(there, (x - mean[:, None]) ** 2, 0).sum(axis=1)
    return n, mean, np.where(n > 1, squares / np.maximum(n - 1, 1), np.nan)


def _student(mean: Array, error: Array, freedom: Array, level: float) -> tuple[Array, Array, Array]:
    """Return low, high and the two-sided p of mean / error under Student's t; NaN without freedom or error."""
    from scipy.special import stdtr, stdtrit

    fine = (freedom > 0) & (error > 0)
    freedom, error = np.where(fine, freedom, np.nan), np.where(fine, error, np.nan)
    half = stdtrit(freedom, 0.5 + level / 2) * error
    return mean - half, mean + half, 2 * stdtr(freedom, -np.abs(mean / error))
