"""Power of a table: the differences that its seeds can find, and the seeds still needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.analysis.verdicts import Contest, compared_scores
from genbench.core.types import Array
from genbench.statistics.best import errors_of_means
from genbench.statistics.moderated import residual_variances
from genbench.statistics.power import (
    FEWER,
    MOST_SEEDS,
    POWER,
    REPETITIONS,
    Power,
    Ruler,
    resolved_shift,
)

__all__ = ["Noise", "power_of", "resolved", "seeds_to_decide", "typical_deviation"]

TABLES = 200  # continuations of a table that are simulated: a probability of 0.8 is then known to 0.03
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)  # further seeds that are tried: as finely as can be foretold


@dataclass(frozen=True)
class Noise:
    """The variation of the scores of a contest over seeds, on the scale of comparison.

    Attributes:
        seeds: number of seeds of each model [k].
        deviations: draws of the standard deviation of one score [draws, k].
        variance: variance of one score, as used in the comparison [k].
        freedom: degrees of freedom of the variances: those of the prior, and their own [k].
        errors: lower bounds of the standard error of a score [k].
        own: standard deviations of the scores of each model alone [k].
    """

    seeds: Array
    deviations: Array
    variance: Array
    prior_freedom: float
    freedom: Array
    errors: Array
    own: Array

    @classmethod
    def of(cls, contest: Contest) -> Noise | None:
        """Return the noise of a contest; None if no score varies."""
        spread = contest.found.spread
        if spread is None:
            return None
        y, errors, _ = compared_scores(contest.rows, contest.metric)
        _, freedom, effects = residual_variances(y)
        if effects.any():  # test points are in common, so that their error cancels
            errors = np.zeros(len(y))
        n, known = (~np.isnan(y)).sum(axis=1), spread.at_least(errors)
        own = np.nanstd(y, axis=1, ddof=1)
        return cls(n, known.draws, known.variance, spread.prior_freedom, freedom, errors, own)

    def with_seeds(self, seeds: Array) -> tuple[Array, Array]:
        """Return draws of the deviations, and variances, as they would be with more seeds [k].

        A variance with ν degrees of freedom is known up to a factor of about exp(1/√ν); its median does not change.
        """
        more = self.freedom * (seeds - 1) / (self.seeds - 1)
        sharper = np.sqrt((self.prior_freedom + self.freedom) / (self.prior_freedom + more))
        middle = np.median(self.deviations, axis=0)
        deviations = middle * (self.deviations / middle) ** sharper.astype(np.float32)
        return deviations, middle**2 * (self.variance / middle**2) ** sharper**2


def typical_deviation(noise: Noise) -> float:
    """Return the standard deviation over seeds of the median model."""
    return float(np.median(noise.deviations))


def resolved(contest: Contest, power: float = POWER) -> float | None:
    """Return about how much worse a model must be to be called worse.

    It is found with probability `power`. The amount is a quotient or a difference, like the contest's scale; None if no
    score varies.
    """
    noise = Noise.of(contest)
    if noise is None:
        return None
    shift = resolved_shift(noise.deviations, noise.variance, noise.seeds, power)
    return float(np.exp(min(shift, 700.0))) if contest.scale == "quotient" else shift


def power_of(noise: Noise, models: int | None = None) -> Power:
    """Return the power of comparisons between models with the spread of a contest.

    The number of models is that of the contest unless given. Variances are draws from their distribution.
    """
    deviations, k = noise.deviations[:REPETITIONS], noise.deviations.shape[1]
    if models is None or models == k:
        return Power(deviations, errors=noise.errors)
    chosen = np.random.default_rng([7, models]).integers(k, size=(REPETITIONS, models))
    return Power(np.take_along_axis(deviations, chosen, axis=1))


def seeds_to_decide(contest: Contest, power: float = POWER) -> dict[str, int | None]:
    """Return how many more seeds would decide each open model with probability `power`.

    It is None for more than 50. A model is decided if it is called worse, or as good because its interval is inside the
    margin. True differences are assumed to be as estimated, and models that are already worse get no further seeds.
    `TABLES` continuations of each length are simulated; the scales of the comparison come from the present spread. The
    numbers are those of `STEPS`.
    """
    undecided = [i for i in range(len(contest.rows)) if contest.verdict(i) == "open"]
    noise = Noise.of(contest) if undecided else None
    if noise is None:
        return {contest.rows[i].model: None for i in undecided}
    most = MOST_SEEDS - int(noise.seeds[contest.found.in_set].max())
    steps = [*(step for step in STEPS if step < most), *([most] if most > 0 else [])]
    found: dict[str, int | None] = dict.fromkeys((contest.rows[i].model for i in undecided), None)
    for more in steps:
        chances = _decided(contest, noise, more)
        for i in undecided:  # the first that suffices: of equal models, one in six is never shown as good
            if chances[i] >= power and found[contest.rows[i].model] is None:
                found[contest.rows[i].model] = more
        if None not in found.values():
            break
    return found


def _decided(contest: Contest, noise: Noise, more: int) -> Array:
    """Return how probably each model is decided after some more seeds of those that may be best [k]."""
    from scipy.special import stdtrit

    mean, k = contest.found.mean, len(contest.rows)
    seeds = noise.seeds + more * contest.found.in_set
    deviations, variance = noise.with_seeds(seeds)
    draws = errors_of_means(deviations[: 2 * FEWER], seeds)
    ruler = Ruler.of(variance / seeds, draws, np.flatnonzero(contest.found.in_set).tolist())
    luck = np.random.default_rng([8, k]).standard_normal((TABLES, k))
    new, true = seeds - noise.seeds, deviations[-TABLES:]
    means = mean + luck * true * np.sqrt(new) / seeds
    in_set = ruler.in_set(means)
    if contest.margin is None:
        return np.asarray((~in_set).mean(axis=0))
    margin = np.log(contest.margin) if contest.scale == "quotient" else contest.margin
    # As in the contest, no row is as good whose printed interval leaves out the best mean.
    deviation = np.sqrt(((noise.seeds - 1) * noise.own**2 + new * true**2) / (seeds - 1))  # as expected of all seeds
    half = stdtrit(seeds - 1, 0.975) * deviation / np.sqrt(seeds)
    shown = means - means.min(axis=1, keepdims=True) <= half
    good = in_set & (ruler.at_most(means, in_set) <= margin) & shown
    return np.asarray((~in_set | good).mean(axis=0))
