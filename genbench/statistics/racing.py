"""Racing: seeds are added where verdicts are open.

Verdicts stay valid although the scores are looked at often. A race begins with three seeds of every model. After each
look, models that are worse drop out (Maron & Moore 1997; López-Ibáñez et al. 2016). Seeds are added to models that are
open, if the allowed number can be expected to decide them. Seeds are also added to the models with which these are
compared, if those are more uncertain.

A procedure that fails at 5 % of single looks fails more often at one of many looks. So α is spent in parts (Lan &
DeMets 1983): 15 % at the first look and 95 % up to 60 seeds, in equal steps of the logarithm; it is never spent
completely. Each look has the level at which a normal statistic with independent increments, such as a mean over seeds,
crosses its bound for the first time with just the probability that the look may spend (Armitage, McPherson & Rowe
1969). The numbers of seeds at which there are looks do not depend on the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from genbench.core.types import Array
from genbench.statistics.best import ALPHA, SET_SHARE, WithBest

__all__ = ["FIRST", "level", "needed", "next_look", "running", "spent", "with_lost"]

FIRST = 3  # seeds at the first look
# By benchmarks/racing.py, as is GROWTH: a look with three seeds shows what is far behind, which needs no more of α.
FIRST_SHARE, LATER_SHARE, LATER = 0.15, 0.95, 60
GROWTH = 1.35  # from look to look: 3, 4, 5, 7, 9, 12, 20; more looks stop sooner, but each has a smaller level
NEARLY = 1.25  # a next look that leaves so little to the most seeds is taken there
# A model runs if its mean is this uncertain beside the one that it is compared with, in variances: seeds of a smaller
# one would make the difference at most a tenth more certain.
SHARE = 0.25
GRID, FARTHEST = 801, 8.0  # of the numerical integration: points, and standard deviations; errors are below 1e-5


def spent(seeds: int) -> float:
    """Return how much of α is spent by a look at some number of seeds.

    All earlier looks are included.

    >>> round(spent(3), 4), round(spent(20), 4), round(spent(60), 4)
    (0.0075, 0.0328, 0.0475)
    """
    if seeds > LATER:
        return ALPHA * (1 - (1 - LATER_SHARE) * LATER / seeds)
    later = float(np.log(seeds / FIRST) / np.log(LATER / FIRST))
    return ALPHA * (FIRST_SHARE + (LATER_SHARE - FIRST_SHARE) * later)


def next_look(seeds: int, most: int) -> int:
    """Return the number of seeds of the look after the one at `seeds`, at most `most`.

    >>> [next_look(n, 20) for n in (3, 4, 5, 7, 9, 12)]
    [4, 5, 7, 9, 12, 20]
    """
    after = round(GROWTH * seeds)
    return most if NEARLY * after >= most else after


def level(looks: Sequence[int]) -> float:
    """Return the α of the last of some looks, given their numbers of seeds.

    >>> round(level([3]), 4), round(level([3, 5]), 4)
    (0.0075, 0.0097)
    """
    from scipy.special import ndtr

    return float(ndtr(-_bounds(tuple(looks))[-1]))


@lru_cache(maxsize=256)
def _bounds(looks: tuple[int, ...]) -> tuple[float, ...]:
    """Return for each look the bound c of a normal statistic z, so that first crossings spend what they may."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    first = -float(ndtri(spent(looks[0])))
    if len(looks) == 1:
        return (first,)
    before = _bounds(looks[:-1])
    spend = spent(looks[-1]) - spent(looks[-2])
    total, density = _uncrossed(looks[:-1])
    step, root = np.sqrt(looks[-1] - looks[-2]), np.sqrt(looks[-1])

    def excess(bound: float) -> float:
        return float(np.trapezoid(density * ndtr((total - bound * root) / step), total)) - spend

    return (*before, float(brentq(excess, 0.0, FARTHEST)))


@lru_cache(maxsize=256)
def _uncrossed(looks: tuple[int, ...]) -> tuple[Array, Array]:
    """Return values of the sum s = z √n at the last look, and the density there of paths that crossed no bound."""
    bound, root = _bounds(looks)[-1], np.sqrt(looks[-1])
    s = np.linspace(-FARTHEST * root, bound * root, GRID)
    if len(looks) == 1:
        return s, np.exp(-0.5 * (s / root) ** 2) / (root * np.sqrt(2 * np.pi))
    earlier, density = _uncrossed(looks[:-1])
    step = np.sqrt(looks[-1] - looks[-2])
    kernel = np.exp(-0.5 * ((s[:, None] - earlier) / step) ** 2) / (step * np.sqrt(2 * np.pi))
    return s, np.trapezoid(kernel * density, earlier, axis=1)


def with_lost(found: WithBest, lost: Array) -> WithBest:
    """Return a comparison in which the models `lost` are worse [k].

    They are those that an earlier look found worse.
    """
    in_set = np.logical_and(found.in_set, np.logical_not(lost))
    if not in_set.any():  # those that are left are behind one that is not: one of the looks has failed
        in_set = np.logical_not(lost)
    return replace(found, in_set=in_set, low=np.where(in_set, found.low, np.maximum(found.low, 0.0)))


def needed(found: WithBest, alpha: float, margin: float | None) -> Array:
    """Return about how many seeds in all would decide each model [k].

    Means and variances are assumed to be as estimated. A difference is known up to z √((σ² + σ'²)/n). A model is worse
    if that is less than its distance from the best other model. It is as good if that is less than the rest of the
    margin, for each model that may be the best. The number is infinite if no number of seeds is enough.

    Args:
        alpha: α of the look at which that would be.
        margin: largest difference of two models that are equally good; None if unknown.
    """
    if found.spread is None:
        return np.full(len(found.mean), np.inf)
    z = _quantile(found, alpha)
    best, ahead = _best_other(found)
    squared = np.square(z) * (found.spread.variance[:, None] + found.spread.variance)
    left = (-np.inf if margin is None else margin) - (found.mean[:, None] - found.mean)
    rivals = np.logical_and(found.in_set, np.logical_not(np.eye(len(best), dtype=bool)))
    with np.errstate(divide="ignore"):
        worse = np.where(ahead > 0, squared[np.arange(len(best)), best] / np.square(ahead), np.inf)
        good = np.where(left > 0, squared / np.square(left), np.inf).max(axis=1, where=rivals, initial=0.0)
    return np.asarray(np.minimum(worse, good))


def running(found: WithBest, undecided: Array, seeds: Array, alpha: float, most: int) -> Array:
    """Return which models get more seeds [k].

    They are the open models that `most` seeds would decide, and the models on which these verdicts depend. A verdict
    depends on the comparison with the best other model, and with the model that may be the farthest ahead.

    Args:
        seeds: number of seeds that each model has [k].
        alpha: α of the look.
    """
    k = len(undecided)
    chosen = np.zeros(k, bool)
    if found.spread is None:
        return chosen
    squared = found.spread.variance / seeds
    best, _ = _best_other(found)
    behind = found.mean[:, None] - found.mean + _quantile(found, alpha) * np.sqrt(squared[:, None] + squared)
    behind = np.where(found.in_set, behind, -np.inf)
    np.fill_diagonal(behind, -np.inf)
    for i in np.flatnonzero(undecided):
        compared = np.unique([i, best[i], behind[i].argmax()])
        uncertain = squared[compared] >= SHARE * squared[compared].max()
        chosen[compared[uncertain & (seeds[compared] < most)]] = True
    return chosen


def _quantile(found: WithBest, alpha: float) -> float:
    """Return about how many standard errors a difference must be from others to count at a level."""
    from scipy.special import ndtri

    return float(-ndtri(SET_SHARE * alpha / max(1, int(found.in_set.sum()) - 1)))


def _best_other(found: WithBest) -> tuple[Array, Array]:
    """Return for each model the best other one of those that may be the best, and how far it lies behind that [k]."""
    means = np.where(found.in_set, found.mean, np.inf) + np.where(np.eye(len(found.mean), dtype=bool), np.inf, 0.0)
    return means.argmin(axis=1), found.mean - means.min(axis=1)
