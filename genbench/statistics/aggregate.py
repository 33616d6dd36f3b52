"""One number over several datasets, with an interval over seeds (Agarwal et al. 2021)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genbench.core.types import Array

__all__ = ["Estimate", "interquartile_mean", "probability_of_improvement"]

RESAMPLES = 999  # as in `genbench.statistics.intervals`
BLOCK = 4_000_000  # numbers of a block of resamples: chosen by hand, time against memory


class Estimate(NamedTuple):
    """A value and the ends of its bootstrap interval; they are NaN with fewer than two seeds."""

    value: float
    low: float
    high: float


def interquartile_mean(scores: Array, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return the mean of the middle half of scores [seeds, datasets], and its stratified bootstrap interval.

    Scores must be comparable between datasets: quotients by the oracle's, say. NaN is a failure, worse than any score;
    more than a quarter of them make the value infinite. Seeds are resampled within each dataset, on its own.
    Percentile intervals are short with few seeds.
    """
    x = _worst_for_nan(scores)
    value = float(_middle_mean(x.reshape(1, -1))[0])
    n, datasets = x.shape
    if n < 2:
        return Estimate(value, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    parts = []
    for size in _blocks(x.size):
        index = rng.integers(n, size=(size, n, datasets))
        parts.append(_middle_mean(x[index, np.arange(datasets)].reshape(size, -1)))
    return Estimate(value, *_percentiles(np.concatenate(parts), level))


def probability_of_improvement(x: Array, y: Array, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return P(X < Y) + P(X = Y)/2 for a run of each model, averaged over datasets: how often x beats y, with interval.

    Scores are [seeds, datasets] with the same datasets, lower is better, NaN is a failure. On each dataset it is the
    Mann–Whitney statistic over n·m; seeds of both models are resampled within each dataset.
    """
    x, y = _worst_for_nan(x), _worst_for_nan(y)
    (n, datasets), m = x.shape, len(y)
    a, b = x.T[:, :, None], y.T[:, None, :]
    wins = (a < b) + 0.5 * (a == b)  # (datasets, n, m)
    value = float(wins.mean())
    if n < 2 or m < 2:
        return Estimate(value, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    parts = []
    for size in _blocks(wins.size):
        u = rng.multinomial(n, np.full(n, 1 / n), size=(datasets, size)) / n
        v = rng.multinomial(m, np.full(m, 1 / m), size=(datasets, size)) / m
        shares = ((u @ wins) * v).sum(axis=(0, 2)) / datasets  # (datasets, size, m) before the sum
        parts.append(np.minimum(shares, 1.0))  # less a rounding error
    return Estimate(value, *_percentiles(np.concatenate(parts), level))


def _middle_mean(x: Array) -> Array:
    """Return the mean of each row of x [r, n] without its lowest and highest quarter: [r]."""
    cut = x.shape[1] // 4
    return np.partition(x, (cut, x.shape[1] - cut - 1), axis=1)[:, cut : x.shape[1] - cut].mean(axis=1)


def _worst_for_nan(scores: Array) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    return np.where(np.isnan(scores), np.inf, scores)


def _blocks(size: int) -> list[int]:
    """Return how many resamples of `size` numbers to take at a time."""
    block = max(1, BLOCK // max(1, size))
    return [min(block, RESAMPLES - start) for start in range(0, RESAMPLES, block)]


def _percentiles(values: Array, level: float) -> tuple[float, float]:
    """Return the quantiles that hold `level`; observed values, since between infinite ones there is nothing to mean."""
    low, high = np.quantile(values, (0.5 - level / 2, 0.5 + level / 2), method="inverted_cdf")
    return float(low), float(high)
