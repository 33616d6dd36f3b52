"""Variances of scores over seeds, moderated over the models of a table (Smyth 2004).

Each model's variance is shrunk towards those of the others. With three seeds, a model's own variance is known only up
to a factor of 40. But the models of a table have similar variances, to a degree that the table itself shows: the
variances σᵢ² are draws from a scaled inverse χ² with d₀ degrees of freedom around s₀². Given the sample variance sᵢ² of
dᵢ degrees of freedom, σᵢ² is then again a scaled inverse χ², with d₀ + dᵢ degrees of freedom around the moderated
variance (d₀ s₀² + dᵢ sᵢ²) / (d₀ + dᵢ). Smyth treats d₀ and s₀² as known, because a chip has thousands of genes. A table
has about five models, so here d₀ and s₀² are uncertain, on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from genbench.core.types import Array

__all__ = ["DRAWS", "Spread", "moderated_variance", "residual_variances"]

DRAWS = 2000  # of the Monte Carlo: a probability of 0.05 is then known to 0.005, the same at each call
# Prior of d₀: around the 5 that the stored runs of genbench show (standard deviations of log sliced W2, 101 cells),
# a factor of e either way. Below 1 a table would say nothing about its next model; 50 is as good as equal variances.
FREEDOMS = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 50.0])
USUAL_FREEDOM = 5.0
LOG_SCALES = np.linspace(-5.0, 5.0, 31)  # of s₀² around the median sᵢ²: a factor of 150 either way, flat
PRIOR_SD = 1.0  # of log d₀
# A model may be unlike the others (Phipson et al. 2016 call it hypervariable): then its variance is around 100 s₀²,
# with one degree of freedom. One model in 20 by hand; one in 8 where a variance has a single degree of freedom, which
# shows such a model too rarely. Chosen so that benchmarks/verdicts.py keeps its error with one of 10 times the spread.
WILD, WILD_BY_TWO_SEEDS, WILD_FREEDOM, WILD_SCALE = 0.05, 0.12, 1.0, 100.0
LEAST_FREEDOM = 0.1  # of a variance that is worth estimating; by hand
SEED_EFFECT = 0.05  # level of the test for effects of seeds that all models share; by hand
ROUNDS = 4  # of reweighting; the weights settle in two or three


def moderated_variance(
    variances: Array, freedom: Array | float, prior_freedom: Array | float, prior: Array | float
) -> Array:
    """Return (d₀ s₀² + d s²) / (d₀ + d), the moderated variances (Smyth 2004, section 4).

    >>> moderated_variance(np.array([1.0, 4.0]), 2, 2.0, 2.0)
    array([1.5, 3. ])
    """
    return np.asarray((prior_freedom * prior + freedom * variances) / (prior_freedom + freedom))


def residual_variances(scores: Array) -> tuple[Array, Array, Array]:
    """Return each model's variance over seeds, its degrees of freedom, and seed effects.

    The shapes are [k], [k] and [n]. Scores [k, n] have NaN where a model lacks a seed. A seed that is hard for all
    models (by its data or test points) cancels when models are compared. If an F-test finds such effects, they are
    estimated by a weighted mean over models and subtracted; otherwise the effects are 0.
    """
    there = ~np.isnan(scores)
    n = there.sum(axis=1)
    y = np.where(there, scores, 0.0)
    alone = np.where(there, y - (y.sum(axis=1) / n)[:, None], 0.0)
    own = (alone**2).sum(axis=1) / (n - 1), n - 1.0, np.zeros(scores.shape[1])
    k = len(scores)
    if k < 3:  # of two models, one residual is the other's
        return own
    effects, share = np.zeros(scores.shape[1]), np.full(k, 1 / k)
    for _ in range(ROUNDS):
        weights = np.where(there, share[:, None], 0.0)
        total = weights.sum(axis=0)
        for _ in range(1 if there.all() else 10):  # by turns: effects given means, means given effects
            mean = np.where(there, y - effects, 0.0).sum(axis=1) / n
            effects = (weights * (y - mean[:, None])).sum(axis=0) / total
            effects -= effects.mean()
        left = np.where(there, y - effects - mean[:, None], 0.0)
        left -= np.where(there, (left.sum(axis=1) / n)[:, None], 0.0)
        freedom = (1 - weights / total).sum(axis=1, where=there) * (n - 1) / n
        if freedom.min() < LEAST_FREEDOM:  # a model that is alone on its seeds is its own effect
            return own
        variance = (left**2).sum(axis=1) / freedom
        shrunken = moderated_variance(variance, freedom, USUAL_FREEDOM, float(np.median(variance)))
        if not (shrunken > 0).all():
            return own
        share = (1 / shrunken) / (1 / shrunken).sum()
    from scipy.special import fdtrc

    f = ((1 / shrunken) @ there * effects**2).sum() / (scores.shape[1] - 1)
    return (variance, freedom, effects) if fdtrc(scores.shape[1] - 1, freedom.sum(), f) < SEED_EFFECT else own


@dataclass(frozen=True)
class Spread:
    """The estimated variances of k models: moderated values, and draws.

    Attributes:
        variance: moderated variances, averaged over d₀ and s₀² [k].
        prior_freedom, prior: posterior means of d₀ and s₀².
        draws: draws of the standard deviations [DRAWS, k].
    """

    variance: Array
    prior_freedom: float
    prior: float
    draws: Array

    def at_least(self, errors: Array) -> Spread:
        """Return the spread with standard deviations of at least some standard errors [k]."""
        draws = np.maximum(self.draws, errors.astype(np.float32))
        return replace(self, variance=np.maximum(self.variance, errors**2), draws=draws)

    @classmethod
    def of(cls, variances: Array, freedom: Array) -> Spread:
        """Return the spread for sample variances [k] with their degrees of freedom [k]."""
        p, s0, unlike = _posterior(variances, freedom)
        k, d0 = len(variances), FREEDOMS[:, None, None]
        usual = moderated_variance(variances, freedom, d0, s0[:, None])
        wild = moderated_variance(variances, freedom, WILD_FREEDOM, WILD_SCALE * s0[:, None])
        means = np.where(unlike < 1, (1 - unlike) * usual, 0) + unlike * wild
        cell = np.searchsorted(p.ravel().cumsum(), (np.arange(DRAWS) + 0.5) / DRAWS).clip(max=p.size - 1)
        cell = cell[_order()]
        i, j = np.unravel_index(cell, p.shape)
        is_wild = _uniforms(k) < _rows(unlike, cell)
        variance = _rows(usual, cell)
        variance[is_wild] = wild.astype(np.float32)[j][is_wild]
        chi, draw = np.empty((DRAWS, k), np.float32), np.arange(DRAWS)
        for d in np.unique(quarters := np.round(4 * freedom) / 4):  # as fine as the draws are
            its = quarters == d
            table = _chi_squares(float(d), 32 * (1 + (k - 1) // 32))
            part = _rows(table, i * DRAWS + draw)[:, :k]
            part[is_wild] = table[-1, :, :k][is_wild]
            chi[:, its] = part[:, its]
        draws = np.sqrt(variance / chi)
        freedoms, scales = p.sum(axis=1), p.sum(axis=0)
        return cls(np.einsum("ij,ijk->k", p, means), float(freedoms @ FREEDOMS), float(scales @ s0), draws)


def _posterior(variances: Array, freedom: Array) -> tuple[Array, Array, Array]:
    """Return the posterior: of d₀ and s₀² on the grid, the values of s₀², and how likely each model is wild given both.

    Their shapes are [freedoms, scales], [scales] and [freedoms, scales, k].
    """
    s0 = np.exp(np.log(np.median(variances)) + LOG_SCALES)
    share = np.where(freedom < 1.5, WILD_BY_TWO_SEEDS, WILD)
    usual = np.log(1 - share) + _log_density(variances, freedom, FREEDOMS[:, None, None], s0[:, None])
    wild = np.log(share) + _log_density(variances, freedom, np.array(WILD_FREEDOM), WILD_SCALE * s0[:, None])
    both = np.logaddexp(usual, wild)
    log_p = both.sum(axis=-1) - (np.log(FREEDOMS / USUAL_FREEDOM) ** 2 / (2 * PRIOR_SD**2))[:, None]
    p = np.exp(log_p - log_p.max())
    return p / p.sum(), s0, np.exp(wild - both)


def _log_density(variances: Array, freedom: Array, d0: Array, s0: Array) -> Array:
    """Return the log-density of sample variances, less what d₀ and s₀² do not change: s²/s₀² is F with d and d₀."""
    from scipy.special import gammaln

    left = gammaln((d0 + freedom) / 2) - gammaln(d0 / 2) + d0 / 2 * np.log(d0 * s0)
    return np.asarray(left - (d0 + freedom) / 2 * np.log(d0 * s0 + freedom * variances))


def _rows(table: Array, at: Any) -> Array:
    """Return some rows of a table [n, m, k], counted through n and m, in single precision."""
    return np.take(table.reshape(-1, table.shape[-1]).astype(np.float32, copy=False), at, axis=0)


@lru_cache(maxsize=1)
def _order() -> Array:
    return np.asarray(np.random.default_rng(3).permutation(DRAWS))


@lru_cache(maxsize=64)
def _uniforms(k: int) -> Array:
    return np.asarray(np.random.default_rng([4, k]).random((DRAWS, k), dtype=np.float32))


@lru_cache(maxsize=64)
def _chi_squares(freedom: float, columns: int) -> Array:
    """Return draws of χ²/ν with ν = d₀ + d degrees of freedom, for each d₀: [freedoms, DRAWS, columns]."""
    rng = np.random.default_rng([2, columns])
    nu = (np.append(FREEDOMS, WILD_FREEDOM) + freedom)[:, None, None]
    return np.asarray(2 * rng.standard_gamma(np.broadcast_to(nu / 2, (len(nu), DRAWS, columns))) / nu, np.float32)
