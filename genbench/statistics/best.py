"""Multiple comparisons with the best: which models may be the best (Hsu 1984).

Intervals say how much worse the others are.

The best model is not known beforehand; it is selected by the same scores that are then compared with it. A procedure
that treats it as a fixed control finds "worse" too often. Edwards and Hsu (1983) take each model b in turn for the
best, and compare all others with it as with a control (Dunnett 1955). With probability 1 − α all comparisons with the
true best hold at once, whichever it is. So the set of those b that no others beat contains the best, and the widest
ends over the b of that set are simultaneous intervals. Variances are unequal here, so the quantiles are not Dunnett's;
they are found by simulation, with the variances and their uncertainty from `genbench.statistics.moderated`.

Whether others beat b is tested by the 4-norm over all better models, (Σⱼ max(0, (ȳ_b − ȳⱼ)/seⱼ)⁴)^¼. Dunnett's test
uses the maximum, which is the ∞-norm; but several models ahead of b are better evidence than one. In tables of three
seeds, the 4-norm finds a model that is 1.5 times worse than nine others in 72 % of tables, the maximum in 56 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from genbench.core.types import Array
from genbench.statistics.moderated import DRAWS, Spread, residual_variances

__all__ = [
    "ALPHA",
    "NORM",
    "SET_SHARE",
    "Means",
    "WithBest",
    "compare_with_best",
    "errors_of_means",
    "exceeded",
    "intervals_with_best",
    "luck_of",
    "positive_norm",
]

ALPHA = 0.05  # the usual one
NORM = 4  # by benchmarks/verdicts.py: between 2, strong where many models lead, and ∞, strong where one does
# Share of α for how far b's luck puts it behind the others: it decides who is in the set, and how much worse a model is
# at most. The rest is for how much worse it is at least. By hand: readers ask for the set first.
SET_SHARE = 0.7
SURELY = 40.0  # standard errors behind another model; more than any quantile of the draws, so that none is needed


@dataclass(frozen=True)
class WithBest:
    """The comparison of k models with the best of them; smaller is better.

    Attributes:
        mean: mean of each model over its seeds, without the effects of the seeds [k].
        in_set: whether it may be the best [k].
        low, high: simultaneous intervals for how much its mean is above that of the best other model [k]; negative
            where it may be ahead. Not below 0 for a model that is not in the set.
        spread: the variances over seeds; None if nothing varies; then all models are in the set.
    """

    mean: Array
    in_set: Array
    low: Array
    high: Array
    spread: Spread | None


def compare_with_best(scores: Array, alpha: float = ALPHA, errors: Array | None = None, norm: float = NORM) -> WithBest:
    """Compare k models by scores [k, n] over n seeds; smaller is better.

    NaN marks a seed that a model lacks.

    Scores are yᵢⱼ = μᵢ + βⱼ + εᵢⱼ with a variance for each model. With probability 1 − α, the model with the lowest μ
    is in the set and all intervals hold. If several have the lowest μ, this is true for each of them separately.

    Args:
        alpha: probability with which that may fail.
        errors: lower bounds of the standard error of one score of each model, if known [k]; 0 where unknown. They are
            used only if seeds have no common effects, because models may have test points in common.
        norm: the norm of the differences by which others are better; ∞ is the maximum.

    Raises:
        ValueError: a model has fewer than two scores.
    """
    y = np.asarray(scores, dtype=np.float64)
    n = (~np.isnan(y)).sum(axis=1)
    if n.min(initial=2) < 2:
        raise ValueError("each model needs two seeds or more")
    means = Means.of(y, errors)
    if len(y) < 2 or means.spread is None:  # nothing to compare, or no scale to compare with
        ahead = np.array([means.mean[i] - np.delete(means.mean, i).min(initial=np.inf) for i in range(len(y))])
        return WithBest(means.mean, np.full(len(y), True), np.minimum(ahead, 0), np.full(len(y), np.inf), None)
    found = intervals_with_best(means.mean, means.variance, means.draws, alpha, norm)
    return WithBest(means.mean, *found, means.spread)


@dataclass(frozen=True)
class Means:
    """Means of k models over seeds, and the distribution of their errors.

    Attributes:
        mean: means without the effects of the seeds [k].
        variance: approximate variance of each mean [k].
        draws: draws of the error of each mean [k, DRAWS].
        spread: the variances of single scores; None if nothing varies, and there is no error.
    """

    mean: Array
    variance: Array
    draws: Array
    spread: Spread | None

    @classmethod
    def of(cls, scores: Array, errors: Array | None = None) -> Means:
        """Return the means of scores [k, n]; arguments are those of `compare_with_best`."""
        n = (~np.isnan(scores)).sum(axis=1)
        variances, freedom, effects = residual_variances(scores)
        mean = np.nanmean(scores - effects, axis=1)
        if not (variances > 0).any():
            return cls(mean, np.zeros_like(mean), np.zeros((len(mean), DRAWS)), None)
        least = variances[variances > 0].min()  # rounded scores may be equal by chance
        spread = Spread.of(np.maximum(variances, least), freedom)
        floored = spread if errors is None or effects.any() else spread.at_least(errors)
        return cls(mean, floored.variance / n, errors_of_means(floored.draws, n), spread)


def errors_of_means(deviations: Array, seeds: Array) -> Array:
    """Return draws of the errors of k means, [k, draws].

    Their arguments are draws of standard deviations [draws, k] and the numbers of seeds [k]. They are the same at each
    call.
    """
    draws = _normals(deviations.shape[1])[: len(deviations)] * (deviations / np.sqrt(seeds)).astype(np.float32)
    return np.ascontiguousarray(draws.T)


def intervals_with_best(
    mean: Array, variance: Array, draws: Array, alpha: float = ALPHA, norm: float = NORM
) -> tuple[Array, Array, Array]:
    """Return which of k means may be the lowest, and its distance from the others.

    The three arrays [k] are the set, and the ends of the interval for how far each mean is above the lowest of the
    others.

    Args:
        mean, variance: estimates of the means, and their approximate variances [k].
        draws: draws of the errors of the means, from which the quantiles are computed [k, draws].
        alpha, norm: as in `compare_with_best`.
    """
    k = len(mean)
    scale = np.sqrt(variance[:, None] + variance)  # of a difference
    behind = (mean[:, None] - mean) / scale  # how far each is behind each
    lies = _power_sum(behind.T.copy(), norm)
    in_set, to_b, from_b = np.zeros(k, bool), np.zeros(k), np.zeros(k)
    luck = np.empty_like(draws)
    for b in np.flatnonzero(behind.max(axis=1) <= SURELY):
        luck_of(b, draws, scale[b], luck)
        least = luck.min(axis=0)
        chance = exceeded(_power_sum(luck, norm), SET_SHARE * alpha)
        if lies[b] <= chance:
            in_set[b], to_b[b] = True, _root(chance, norm)  # no single difference is larger than the norm of all
            from_b[b] = exceeded(-least, (1 - SET_SHARE) * alpha)
    low, high = -(behind.T + from_b) * scale, (to_b - behind.T) * scale  # of each, if b [its column] is the best
    most = (behind - to_b[:, None]) * scale
    np.fill_diagonal(most, -np.inf)
    np.fill_diagonal(low, most.max(axis=1))  # how far b may lead, if it is the best
    np.fill_diagonal(high, 0.0)
    low, high = low[:, in_set].min(axis=1), high[:, in_set].max(axis=1)
    return in_set, np.where(in_set, low, np.maximum(low, 0.0)), high


def luck_of(b: int | np.integer[Any], draws: Array, scale: Array, out: Array) -> Array:
    """Write into `out` how far chance alone puts model b behind each model [k, draws].

    It is 0 for b itself, and in units of `scale` [k].
    """
    np.subtract(draws[b], draws, out=out)
    return np.asarray(np.multiply(out, (1 / scale).astype(draws.dtype)[:, None], out=out))


def positive_norm(differences: Array, norm: float) -> Array:
    """Return the norm of the positive parts of each column, [k, n] -> [n].

    `differences` are overwritten.
    """
    return np.asarray(_root(_power_sum(differences, norm), norm))


def _power_sum(differences: Array, norm: float) -> Array:
    """Return the norm to the power of `norm`, which orders columns alike and takes no roots; of ∞, the norm."""
    positive = np.maximum(differences, 0, out=differences)
    if np.isinf(norm):
        return np.asarray(positive.max(axis=0))
    powers = np.multiply(positive, positive, out=positive) if norm == 4 else positive ** (norm / 2)
    return np.asarray(np.einsum("ij,ij->j", powers, powers))


def _root(power: Any, norm: float) -> Any:
    return power if np.isinf(norm) else power ** (1 / norm)


def exceeded(x: Array, level: float) -> float:
    """Return the value that a share `level` of values exceeds."""
    at = len(x) - 1 - int(level * len(x))
    return float(np.partition(x, at)[at])


@lru_cache(maxsize=64)
def _normals(k: int) -> Array:
    """Return draws [DRAWS, k], the same at each call."""
    return np.asarray(np.random.default_rng([1, k]).standard_normal((DRAWS, k), dtype=np.float32))
