"""The smallest difference between two models that a metric can detect.

It depends on how much a score varies from draw to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["Resolution", "pooled_sd", "power", "resolution", "smallest_difference"]

ALPHA, POWER = 0.05, 0.8  # the usual choices (Cohen 1988)


@dataclass(frozen=True)
class Resolution:
    """The smallest difference that a metric can detect on a dataset.

    Attributes:
        oracle_mean: mean score of new draws from the truth.
        oracle_sd: standard deviation of one such score within a seed, which comes from the draw alone.
        n: number of points from which a score is computed.
        smallest_difference: difference that a paired t-test at 5 % finds in 80 % of experiments; None for fewer than 2
            seeds.
    """

    metric: str
    oracle_mean: float
    oracle_sd: float
    n: int
    seeds: int
    smallest_difference: float | None


def resolution(metric: str, draws: Sequence[Sequence[float]], n: int, seeds: int) -> Resolution | None:
    """Return the resolution of a metric from the oracle's repeated scores, [seed][draw].

    Each score is of n points. It is None if no seed has two draws. A seed with an infinite score is left out.
    """
    draws = [scores for scores in draws if np.isfinite(scores).all()]
    sd = pooled_sd(draws)
    if sd is None:
        return None
    mean = float(np.mean([np.mean(scores) for scores in draws if len(scores)]))
    return Resolution(metric, mean, sd, n, seeds, smallest_difference(sd, seeds))


def pooled_sd(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within groups: √(Σ (nᵢ − 1) sᵢ² / Σ (nᵢ − 1)).

    None if no group has two values.
    """
    freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
    if freedom < 1:
        return None
    sizes = {len(group) for group in groups}
    blocks = [np.array([group for group in groups if len(group) == size]) for size in sizes if size > 1]
    squares = sum(float(block.var(axis=1).sum()) * block.shape[1] for block in blocks)
    return float(np.sqrt(squares / freedom))


def smallest_difference(sd: float, seeds: int, alpha: float = ALPHA, target: float = POWER) -> float | None:
    """Return the true difference that a paired t-test finds with probability `target`.

    The difference is between two models, over `seeds` seeds. The score of each model on each seed has an independent
    error of standard deviation `sd`, so that a paired difference has √2 sd. The test statistic is then noncentral t
    with k − 1 degrees of freedom and noncentrality δ √k / (√2 sd); the noncentrality that gives the power is found by
    root finding. The result is None for fewer than 2 seeds.
    """
    if seeds < 2:
        return None
    return float(_noncentrality(seeds, alpha, target) * np.sqrt(2 / seeds) * sd)


def power(noncentrality: float, seeds: int, alpha: float = ALPHA) -> float:
    """Return the probability that a two-sided paired t-test rejects at `alpha`.

    The test has `seeds` pairs.
    """
    from scipy.special import nctdtr, stdtrit  # scipy.stats takes half a second to import

    critical = stdtrit(seeds - 1, 1 - alpha / 2)
    within_above, within_below = nctdtr(seeds - 1, [noncentrality, -noncentrality], critical)  # by symmetry
    return float(2 - within_above - within_below)


@lru_cache(maxsize=256)
def _noncentrality(seeds: int, alpha: float, target: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import stdtrit

    guess = stdtrit(seeds - 1, 1 - alpha / 2) + stdtrit(seeds - 1, target)  # the usual approximation
    return float(brentq(lambda ncp: power(ncp, seeds, alpha) - target, 0.0, 2 * guess, xtol=1e-10))
