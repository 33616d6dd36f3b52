"""How probable it is that a worse model is found worse, and how many seeds that takes.

The results are computed by simulation.

The procedure is `compare_with_best`. Its standard errors and quantiles depend only on the noise of the scores. So one
simulated table shows, for every true difference, whether a model would be called worse: it is, from a critical shift
on. The distribution of that shift over tables is the power for all differences at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array
from genbench.statistics.best import ALPHA, NORM, SET_SHARE, Means, errors_of_means, exceeded, luck_of, positive_norm

__all__ = ["MOST_SEEDS", "POWER", "REPETITIONS", "STORED", "Power", "Ruler", "StoredSpread", "resolved_shift"]

Mask = NDArray[np.bool_]

POWER = 0.8  # the usual one (Cohen 1988)
MOST_SEEDS = 50  # more are not planned for: a run of 10 models on one set then has 500 trials
REPETITIONS = 300  # a power of 0.8 is then known to 0.023, one standard error
NEWTON = 40  # steps at most; about 6 are needed
EXAMPLES = 5  # models that take the place of the worse one in the approximation, and draws of each
FEWER = 500


@dataclass(frozen=True)
class StoredSpread:
    """Variances of scores over seeds: a scaled inverse χ² around scale².

    It has `freedom` degrees of freedom.
    """

    scale: float
    freedom: float

    def deviations(self, k: int, repetitions: int = REPETITIONS) -> Array:
        """Return draws of the standard deviations of k models [repetitions, k].

        They are the same at each call.
        """
        chi = np.random.default_rng([5, k]).chisquare(self.freedom, size=(repetitions, k)) / self.freedom
        return np.asarray(self.scale / np.sqrt(chi))


# Of log sliced W2: the standard deviations over seeds of 101 cells (models on datasets) of genbench's own stored runs,
# fitted by maximum likelihood.
STORED = StoredSpread(scale=0.172, freedom=5.0)


@dataclass(frozen=True)
class Ruler:
    """The scales of the procedure for known variances of k means; the means are left open.

    Attributes:
        scale: the scales of the differences of means [k, k].
        beyond: how far behind the others each model may be and still be the best, as a norm of the scaled differences
            [k].
    """

    scale: Array
    beyond: Array

    @classmethod
    def of(
        cls,
        variance: Array,
        draws: Array,
        models: Sequence[int] | None = None,
        alpha: float = ALPHA,
        norm: float = NORM,
    ) -> Ruler:
        """Return the ruler for variances of means [k] and draws of their errors [k, draws].

        The arguments are those of `intervals_with_best`. The bounds are computed for `models`, or for all if it is
        None; for other models they are NaN.
        """
        scale = np.sqrt(variance[:, None] + variance)
        beyond = np.full(len(variance), np.nan)
        for b in range(len(variance)) if models is None else models:
            luck = luck_of(b, draws, scale[b], np.empty_like(draws))
            beyond[b] = exceeded(positive_norm(luck, norm), SET_SHARE * alpha)
        return cls(scale, beyond)

    def in_set(self, means: Array, norm: float = NORM) -> Mask:
        """Return which models may be the best, given their means [r, k] -> [r, k]."""
        behind = (means[:, :, None] - means[:, None, :]) / self.scale  # [r, b, others]
        sizes = positive_norm(behind.reshape(-1, behind.shape[-1]).T.copy(), norm).reshape(means.shape)
        return np.asarray(sizes <= self.beyond)

    def at_most(self, means: Array, in_set: Mask) -> Array:
        """Return how much worse each model is at most than the best other model.

        Means and results are [r, k].
        """
        ahead = means[:, None, :] - means[:, :, None] + self.beyond[:, None] * self.scale  # of b, by the others
        ahead[:, np.arange(means.shape[1]), np.arange(means.shape[1])] = 0.0
        return np.asarray(np.where(in_set[:, :, None], ahead, -np.inf).max(axis=1))

    def critical_shift(self, errors: Array, b: int, worse: Mask, norm: float = NORM) -> Array:
        """Return how much worse than the others model b must be to be called worse [m].

        Args:
            errors: errors of the means [k, m]; all true means are equal except for the shift.
            b: index of the model.
            worse: which models are shifted, including b [k].
        """
        behind = (errors[b] - errors)[~worse] / self.scale[b, ~worse, None]
        alike = np.maximum((errors[b] - errors)[worse] / self.scale[b, worse, None], 0.0)
        rate, bound = 1 / self.scale[b, ~worse, None], self.beyond[b]
        shift = ((bound - behind) / rate).min(axis=0)  # at this one of the others suffices, so the root is below
        if np.isinf(norm):
            return np.where((alike > bound).any(axis=0), -np.inf, shift)
        left = bound**norm - (alike**norm).sum(axis=0)
        for _ in range(NEWTON):  # of a convex increasing function, from above
            positive = np.maximum(behind + shift * rate, 0.0)
            slope = norm * (rate * positive ** (norm - 1)).sum(axis=0)
            step = ((positive**norm).sum(axis=0) - left) / np.where(slope > 0, slope, np.inf)
            shift = shift - step
            if np.abs(step).max(initial=0) <= 1e-9 * self.scale[b].max():
                break
        return np.asarray(np.where(left > 0, shift, -np.inf))  # others as bad as b, but luckier, may suffice alone


@dataclass
class Power:
    """The power of comparisons with the best.

    Some models are worse than the others, all by the same amount. Random numbers are the same for all numbers of seeds
    and at each call.

    Attributes:
        deviations: draws of the standard deviations over seeds of k models [repetitions, k].
        worse: how many models are worse.
        errors: lower bounds of the standard error of one score of each model [k].
        alpha: probability with which the comparisons may fail.
    """

    deviations: Array
    worse: int = 1
    errors: Array | None = None
    alpha: float = ALPHA
    _shifts: dict[bytes, Array] = field(default_factory=dict, repr=False)

    def of(self, seeds: int | Array, shift: float) -> float:
        """Return how often a model that is worse by `shift` is called worse.

        `seeds` is a number, or one for each model.
        """
        return float((self.shifts(seeds) <= shift).mean())

    def smallest(self, seeds: int | Array, power: float = POWER) -> float:
        """Return the smallest shift that is found with probability `power`."""
        shifts = self.shifts(seeds)
        return float(shifts[min(ceil(power * len(shifts) - 1e-9), len(shifts)) - 1])

    def seeds(self, shift: float, power: float = POWER) -> int | None:
        """Return how many seeds find a shift with probability `power`.

        None if it is more than MOST_SEEDS.
        """
        low, high = 1, MOST_SEEDS + 1  # too few, and enough as far as is known
        guess = 3
        while high - low > 1:
            n = min(max(guess, low + 1), high - 1)
            reached = self.smallest(n, power)
            low, high = (low, n) if reached <= shift else (n, high)
            # The smallest shift falls about with √(n − 1): the spread has to be estimated, too.
            times = min(max(reached, 0.0) / shift, MOST_SEEDS)
            guess = round(1 + (n - 1) * times**2) + (0 if reached <= shift else 1)
            guess = guess if low < guess < high else (low + high) // 2
        return high if high <= MOST_SEEDS else None

    def error(self, power: float) -> float:
        """Return the standard error of a simulated power."""
        return float(np.sqrt(power * (1 - power) / len(self.deviations)))

    def shifts(self, seeds: int | Array) -> Array:
        """Return the smallest shifts at which the worse model is called worse, sorted.

        There is one for each simulated table [repetitions].

        Raises:
            ValueError: there are fewer than two seeds, or all models are worse.
        """
        r, k = self.deviations.shape
        n = np.broadcast_to(np.asarray(seeds, dtype=np.int64), k)
        if n.min() < 2 or not 0 < self.worse < k:
            raise ValueError(
                "a comparison needs at least two seeds, and at least two models, of which one is not worse"
            )
        key = n.tobytes()
        if key not in self._shifts:
            noise = _noise(r, k, max(int(n.max()), MOST_SEEDS))[:, :, : n.max()]
            missing = np.arange(n.max()) >= n[:, None]
            found = np.empty(r)
            for i in range(r):
                worse = (np.arange(k) - i) % k < self.worse  # each model takes its turn
                deviations = self.deviations[i] if self.errors is None else np.maximum(self.deviations[i], self.errors)
                scores = np.where(missing, np.nan, noise[i] * deviations[:, None])
                found[i] = self._shift(scores, i % k, worse)
            self._shifts[key] = np.sort(found)
        return self._shifts[key]

    def _shift(self, scores: Array, b: int, worse: Mask) -> float:
        """Return from which shift on `compare_with_best` calls model b worse, given scores without one [k, n]."""
        means = Means.of(scores, self.errors)
        ruler = Ruler.of(means.variance, means.draws, [b], self.alpha)
        return float(ruler.critical_shift(means.mean[:, None], b, worse)[0])


def resolved_shift(
    deviations: Array, variance: Array, seeds: Array, power: float = POWER, alpha: float = ALPHA
) -> float:
    """Return about the smallest shift that is found with probability `power`.

    It takes a few milliseconds. One table represents all: its standard errors and quantiles are used for any table.
    `Power.smallest` simulates them for each table.

    Args:
        deviations: draws of the standard deviations of k models [draws, k].
        variance: approximate variance of one score of each [k].
        seeds: number of seeds of each [k].
    """
    k = len(variance)
    draws = errors_of_means(deviations, seeds)
    by_spread = np.argsort(variance / seeds)
    models = sorted(set(by_spread[np.linspace(0, k - 1, min(EXAMPLES, k)).round().astype(int)].tolist()))
    ruler = Ruler.of(variance / seeds, draws, models, alpha)
    worse = np.eye(k, dtype=bool)
    shifts = np.concatenate([ruler.critical_shift(draws[:, :FEWER].astype(np.float64), b, worse[b]) for b in models])
    return float(np.quantile(shifts, power))


def _noise(repetitions: int, k: int, seeds: int) -> Array:
    return np.random.default_rng([6, k]).standard_normal((seeds, repetitions, k)).transpose(1, 2, 0)
