"""Comparison of two models over datasets by signed ranks of their differences.

There is Wilcoxon's test, and a Bayesian one. Unlike with average ranks, the comparison of two models does not depend on
which other models take part (Benavoli, Corani and Mangili 2016, "Should we really use post-hoc tests based on
mean-ranks?").
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from genbench.core.types import Array

__all__ = ["Odds", "least_p", "signed_rank_odds", "wilcoxon"]

DRAWS = 20_000  # a probability is known to 0.0035
PRIOR = 0.5  # strength of a pseudo-difference of 0 (Benavoli et al. 2017, section 4.1)
BLOCK = 2_000_000  # numbers of a block of draws: chosen by hand, time against memory


class Odds(NamedTuple):
    """The probabilities that the first of two models is better, equivalent, or worse."""

    better: float
    equivalent: float
    worse: float


def wilcoxon(differences: Array) -> Array:
    """Return the two-sided p-values of Wilcoxon's signed-rank test, one for each row.

    Rows are differences [r, datasets] (Demšar 2006). It is exact without ties and differences of 0, whose ranks are
    split between the signs (Pratt's are not needed).
    """
    from scipy.stats import wilcoxon as test

    x = np.asarray(differences, dtype=np.float64)
    return np.array([float(test(row, zero_method="zsplit").pvalue) if row.any() else 1.0 for row in x])


def least_p(datasets: int, comparisons: int = 1) -> float:
    """Return the smallest p-value that Wilcoxon's test can have.

    It has it when all differences have one sign. For several comparisons it is adjusted by Holm's method.

    >>> least_p(5), least_p(7, comparisons=11)
    (0.0625, 0.171875)
    """
    return min(1.0, float(comparisons * 2.0 ** (1 - datasets)))


def signed_rank_odds(differences: Array, rope: float) -> Odds:
    """Return the probabilities for further datasets, from differences of two models.

    The differences are [datasets]; negative is better for the first model. The distribution of the difference has a
    Dirichlet process as prior. Its posterior weighs the observed differences and a pseudo-difference of 0 by w ~
    Dirichlet(1, …, 1, 0.5), and the mean of two draws of it is above the rope, inside or below it with the
    probabilities Σᵢⱼ wᵢwⱼ [zᵢ + zⱼ > 2 rope] and so on. The result is how often each of the three is the largest
    (Benavoli, Corani, Demšar and Zaffalon 2017, "Time for a change", section 4.1.3).

    Args:
        rope: half the width of the region of practical equivalence, in the unit of the differences; a mean of two on
            its end counts half as inside.
    """
    z = np.append(np.asarray(differences, dtype=np.float64), 0.0)
    sums = z[:, None] + z
    better, worse = (np.heaviside(sign * sums - 2 * rope, 0.5) for sign in (-1, 1))
    votes = np.zeros(3)
    weights = _weights(len(z))
    size = max(1, BLOCK // len(z))
    for start in range(0, DRAWS, size):
        w = weights[start : start + size]
        first, second = (np.einsum("ni,ni->n", w @ part, w) for part in (better, worse))
        shares = np.stack([first, 1 - first - second, second])
        largest = shares >= shares.max(axis=0) - 1e-12  # equal shares, as of mirrored differences, share the vote
        votes += (largest / largest.sum(axis=0)).sum(axis=1)
    return Odds(*(float(share) for share in votes / DRAWS))


@lru_cache(maxsize=16)
def _weights(n: int) -> Array:
    """Return draws of Dirichlet weights [draws, n], the last one that of the prior."""
    return np.asarray(np.random.default_rng([7, n]).dirichlet(np.append(np.ones(n - 1), PRIOR), DRAWS))
