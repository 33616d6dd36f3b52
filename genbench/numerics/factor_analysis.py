"""Mixtures of factor analysers, fitted by expectation-maximisation.

See Ghahramani & Hinton (1996).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genbench.core.types import Array

__all__ = ["Analysers", "fit_analysers"]

ENOUGH = 1e-6  # nats a point, by hand: an iteration that gains less is the last


class Analysers(NamedTuple):
    """x = m_k + L_k f + √ψ_k ε with f ~ N(0, I_r), ε ~ N(0, I_d) and P(k) = w_k.

    Attributes:
        weights: w [k].
        means: m [k, d].
        loadings: L [k, d, r].
        noise: ψ [k, d], variances.
    """

    weights: Array
    means: Array
    loadings: Array
    noise: Array


def fit_analysers(
    x: Array, analysers: int, factors: int, floor: float, iterations: int, rng: np.random.Generator
) -> Analysers:
    """Return the mixture that EM finds for points x [n, d], starting from k-means clusters.

    No d × d matrix is built: an iteration takes n d r operations for each analyser.

    Args:
        analysers, factors: k and r.
        floor: smallest variance of the noise. If a coordinate is constant, the likelihood has no maximum without it.
        iterations: largest number of iterations.
    """
    from sklearn.cluster import KMeans

    n, d = x.shape
    seed = int(rng.integers(2**31))
    shares = np.eye(analysers)[KMeans(analysers, n_init=3, random_state=seed).fit_predict(x)]
    loadings = 0.1 * rng.standard_normal((analysers, d, factors))
    noise = np.full((analysers, d), max(x.var(), floor))
    means, log_parts, before = np.empty((analysers, d)), np.empty((n, analysers)), -np.inf
    for _ in range(iterations):
        weights = shares.mean(axis=0)
        for k in range(analysers):
            w = shares[:, k] / shares[:, k].sum()
            means[k] = w @ x
            z = x - means[k]
            loadings[k], noise[k] = _maximised(z, w, loadings[k], noise[k], floor)
            log_parts[:, k] = np.log(weights[k]) + _log_density(z, loadings[k], noise[k])
        log_p = np.logaddexp.reduce(log_parts, axis=1)
        shares = np.exp(log_parts - log_p[:, None])
        if log_p.mean() - before < ENOUGH:
            break
        before = log_p.mean()
    return Analysers(weights, means, loadings, noise)


def _maximised(z: Array, w: Array, loadings: Array, noise: Array, floor: float) -> tuple[Array, Array]:
    """Return the loadings [d, r] and variances [d] that an iteration makes of centred points z [n, d] of weights w [n].

    With β = (I + Lᵀ Ψ⁻¹ L)⁻¹ Lᵀ Ψ⁻¹ and S the weighted scatter: L ← S βᵀ (I − β L + β S βᵀ)⁻¹ and ψ ← diag(S − L β S),
    where S βᵀ = zᵀ diag(w) z βᵀ.
    """
    inner = np.eye(loadings.shape[1]) + (loadings.T / noise) @ loadings
    beta = np.linalg.solve(inner, loadings.T / noise)
    factors = z @ beta.T  # E[f | z], [n, r]
    crossed = z.T @ (w[:, None] * factors)  # S βᵀ, [d, r]
    second = np.linalg.inv(inner) + beta @ crossed
    new = crossed @ np.linalg.inv(second)
    left = w @ np.square(z) - (new * crossed).sum(axis=1)
    return new, np.maximum(left, floor)


def _log_density(z: Array, loadings: Array, noise: Array) -> Array:
    """Return log N(z; 0, L Lᵀ + Ψ) [n] of points z [n, d], by the matrix inversion lemma."""
    scaled = loadings / np.sqrt(noise)[:, None]
    root = np.linalg.cholesky(np.eye(loadings.shape[1]) + scaled.T @ scaled)
    white = z / np.sqrt(noise)
    told = np.linalg.solve(root, scaled.T @ white.T)
    log_det = np.log(noise).sum() + 2 * np.log(np.diag(root)).sum()
    squares = np.square(white).sum(axis=1) - np.square(told).sum(axis=0)
    return np.asarray(-0.5 * (squares + log_det + z.shape[1] * np.log(2 * np.pi)))
