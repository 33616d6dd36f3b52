"""The smallest difference between two models that a metric can show, given the luck of a draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["Resolution", "pooled_sd", "power", "resolution", "smallest_difference"]

ALPHA, POWER = 0.05, 0.8  # the usual choices (Cohen 1988)


@dataclass(frozen=True)
class Resolution:
    """The smallest difference that a metric can show on a dataset.

    Attributes:
        oracle_mean: mean score of fresh draws from the truth.
        oracle_sd: standard deviation of one such score within a seed, owed to the draw alone.
        n: points that a score is computed from.
        smallest_difference: what a paired t-test at 5 % finds in 80 % of all experiments; None with fewer than 2 seeds.
    """

    metric: str
    oracle_mean: float
    oracle_sd: float
    n: int
    seeds: int
    smallest_difference: float | None


def resolution(metric: str, draws: Sequence[Sequence[float]], n: int, seeds: int) -> Resolution | None:
    """Return the resolution of a metric by the oracle's repeated scores of n points each, [seed][draw].

    None where no seed has two draws. A seed with an infinite score is left out.
    """
    draws = [scores for scores in draws if np.isfinite(scores).all()]
    sd = pooled_sd(draws)
    if sd is None:
        return None
    mean = float(np.mean([np.mean(scores) for scores in draws if len(scores)]))
    return Resolution(metric, mean, sd, n, seeds, smallest_difference(sd, seeds))


def pooled_sd(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within groups: √(Σ (nᵢ − 1) sᵢ² / Σ (nᵢ − 1)); None without a pair."""
    freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
    if freedom < 1:
        return None
    sizes = {len(group) for group in groups}
    blocks = [np.array([group for group in groups if len(group) == size]) for size in sizes if size > 1]
    squares = sum(float(block.var(axis=1).sum()) * block.shape[1] for block in blocks)
    return float(np.sqrt(squares / freedom))


def smallest_difference(sd: float, seeds: int, alpha: float = ALPHA, target: float = POWER) -> float | None:
    """Return the true difference of two models that a paired t-test over `seeds` seeds finds with probability `target`.

    The score of each model on each seed has an independent error of standard deviation `sd`, so that a paired
    difference has √2 sd. The test statistic is then noncentral t with k − 1 degrees of freedom and noncentrality
    δ √k / (√2 sd); the noncentrality that gives the power is found by root finding. None for fewer than 2 seeds.
    """
    if seeds < 2:
        return None
    return float(_noncentrality(seeds, alpha, target) * np.sqrt(2 / seeds) * sd)


def power(noncentrality: float, seeds: int, alpha: float = ALPHA) -> float:
    """Return the probability that a two-sided paired t-test over `seeds` seeds rejects at `alpha`."""
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
