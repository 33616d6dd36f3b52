"""Simultaneous intervals of many differences b − a, with moderated variances.

See Smyth (2004).

Each row compares scores of a and of b over seeds. Scores of common seeds are compared by their differences. The
variances of the rows of a group are moderated like those of a table (`genbench.statistics.moderated`). The intervals
have the width of the largest standardised difference that chance alone gives: its distribution is that of max |Tᵢ| with
newly drawn variances and independent rows, which is conservative if rows depend on each other (Šidák 1967).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genbench.core.types import Array
from genbench.statistics.best import ALPHA
from genbench.statistics.moderated import DRAWS, Spread

__all__ = ["Differences", "Scores", "simultaneous"]

ROUNDING = 1e-12  # by hand: differences that vary by less, relative to the values, are the same
# Standardised differences at which the chance of a larger one is found; between them it is interpolated, and beyond
# them it falls by a power, as that of Student's t does.
GRID = np.append(1e-3, np.geomspace(0.2, 50.0, 27))
FINE = np.geomspace(GRID[0], GRID[-1], 2000)
# Degrees of freedom of all variances together from which on these are moderated; with fewer, each stands for itself. By
# simulation: with one row of 10 times the spread of two others, three seeds, "worse" was wrong in 8 % when moderated.
ENOUGH = 10.0
# Rows of which all draws of variances are used; of more, fewer draws, down to a tenth, so that time grows no further.
MANY, THINNED = 5, 10


@dataclass(frozen=True)
class Scores:
    """One row: scores of a and of b, two or more of each.

    They are paired if they are of the same seeds in the same order. Rows of a group have similar variances, and their
    scores are on one scale.
    """

    a: Array
    b: Array
    paired: bool
    group: Hashable = None

    @property
    def parts(self) -> list[Array]:
        """The values that vary: the differences, or the scores of each side."""
        return [self.b - self.a] if self.paired else [self.a, self.b]

    @property
    def rounding(self) -> float:
        """The spread of equal scores that rounding in double precision can cause."""
        return ROUNDING * float(np.abs(self.a).max() + np.abs(self.b).max())


@dataclass(frozen=True)
class Differences:
    """Differences of means b − a of r rows.

    Attributes:
        difference: the estimates [r].
        low, high: simultaneous intervals [r]; NaN if nothing varies, but 0 if scores are equal for each seed.
        p, p_adjusted: p-values of the hypothesis that there is no difference, for one row and adjusted for all rows
            [r]. Far below 0.001 only their order of magnitude is known. The interval excludes 0 if the adjusted one is
            below alpha. NaN if unpaired scores do not vary.
    """

    difference: Array
    low: Array
    high: Array
    p: Array
    p_adjusted: Array


def simultaneous(rows: Sequence[Scores], alpha: float = ALPHA) -> Differences:
    """Return the differences of all rows; with probability 1 − alpha all intervals hold.

    Scores that are equal for each seed have the difference 0. If a paired difference is the same for each seed, but not
    0, there is no scale for comparison: then p = 2^(1−n), by flipping signs, times the number of rows, and there is no
    interval.
    """
    r = len(rows)
    difference = np.array([row.b.mean() - row.a.mean() for row in rows])
    low, high, p, adjusted = (np.full(r, np.nan) for _ in range(4))
    flat = np.array([all(part.std() <= row.rounding for part in row.parts) for row in rows], dtype=bool)
    zero = flat & (np.abs(difference) <= [row.rounding for row in rows])
    low[zero], high[zero], p[zero], adjusted[zero] = 0.0, 0.0, 1.0, 1.0
    same = [int(i) for i in np.flatnonzero(flat & ~zero) if rows[int(i)].paired]
    p[same] = [2.0 ** (1 - len(rows[i].a)) for i in same]
    tested = np.flatnonzero(~flat)
    total = len(tested) + len(same)
    adjusted[same] = np.minimum(1, total * p[same])
    if len(tested):
        squared, draws = _errors([rows[int(i)] for i in tested])
        scale = np.sqrt(squared)
        t = np.abs(difference[tested]) / scale
        p[tested] = _beyond(t[:, None], draws / scale[:, None]).mean(axis=1)
        chance = _Chance.of(draws / scale[:, None], total / len(tested))
        adjusted[tested] = np.maximum(p[tested], chance.of_more_than(t))
        half = chance.exceeded_by(alpha) * scale
        low[tested], high[tested] = difference[tested] - half, difference[tested] + half
    return Differences(difference, low, high, p, adjusted)


def _errors(rows: Sequence[Scores]) -> tuple[Array, Array]:
    """Return the squared standard error of each row's difference [r], and draws of standard errors [r, draws]."""
    groups: dict[Hashable, list[tuple[int, Array]]] = {}
    for i, row in enumerate(rows):
        groups.setdefault((row.group, row.paired), []).extend((i, part) for part in row.parts)
    squared = np.zeros(len(rows))
    draws: Array | None = None
    for parts in groups.values():
        n = np.array([len(part) for _, part in parts])
        variance = np.array([part.var(ddof=1) for _, part in parts])
        least = variance[variance > [rows[i].rounding ** 2 for i, _ in parts]].min()  # rounded scores may be equal
        moderated, drawn = _variances(np.maximum(variance, least), n - 1.0)
        draws = np.zeros((len(rows), drawn.shape[1])) if draws is None else draws
        for column, (i, _) in enumerate(parts):
            squared[i] += moderated[column] / n[column]
            draws[i] += drawn[column] / n[column]
    assert draws is not None
    return squared, np.sqrt(draws)


def _variances(variances: Array, freedom: Array) -> tuple[Array, Array]:
    """Return estimates of variances [m] and draws of them [m, draws], moderated where there are enough of them."""
    if freedom.sum() >= ENOUGH:
        spread = Spread.of(variances, freedom)
        return spread.variance, spread.draws.T.astype(np.float64) ** 2
    # The distribution by its quantiles, in an order of its own for each: one row alone is then Student's t.
    order = np.random.default_rng([8, len(variances)])
    inverse = np.stack([order.permutation(_inverse_chi_square(float(d))) for d in freedom])
    return variances, variances[:, None] * inverse


@lru_cache(maxsize=64)
def _inverse_chi_square(freedom: float) -> Array:
    """Return quantiles of d / χ² with d degrees of freedom [DRAWS]."""
    from scipy.special import chdtri

    return np.asarray(freedom / chdtri(freedom, (np.arange(DRAWS) + 0.5) / DRAWS))


def _beyond(t: Array, errors: Array) -> Array:
    """Return P(|Z| > t) for normal Z with these standard deviations."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-t / errors))


@dataclass(frozen=True)
class _Chance:
    """The probability that the largest standardised difference exceeds t by luck alone, on logarithmic axes."""

    log_t: Array
    log_p: Array

    @classmethod
    def of(cls, errors: Array, times: float) -> _Chance:
        """Return it for draws of standard errors [r, draws] in units of the scales, `times` what it is."""
        from scipy.interpolate import PchipInterpolator

        some = errors[:, :: min(max(1, len(errors) // MANY), THINNED)]
        share = [1 - np.prod(1 - _beyond(t, some), axis=0).mean() for t in GRID]
        smooth = PchipInterpolator(np.log(GRID), np.log(np.maximum(share, 1e-300)))
        return cls(np.log(FINE), np.minimum(smooth(np.log(FINE)) + np.log(times), 0.0))

    def of_more_than(self, t: Array) -> Array:
        """Return the probability of more than each t [r]."""
        x = np.log(np.maximum(t, 1e-300))
        steepness = (self.log_p[-1] - self.log_p[-2]) / (self.log_t[-1] - self.log_t[-2])
        tail = self.log_p[-1] + steepness * (x - self.log_t[-1])
        inside = np.interp(x, self.log_t, self.log_p, left=0.0)
        return np.asarray(np.exp(np.where(x > self.log_t[-1], tail, inside)))

    def exceeded_by(self, alpha: float) -> float:
        """Return the t that the largest exceeds with probability alpha."""
        target = np.log(alpha)
        if target < self.log_p[-1]:
            steepness = (self.log_p[-1] - self.log_p[-2]) / (self.log_t[-1] - self.log_t[-2])
            return float(np.exp(self.log_t[-1] + (target - self.log_p[-1]) / steepness))
        return float(np.exp(np.interp(-target, -self.log_p, self.log_t)))
