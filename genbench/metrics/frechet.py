"""The Fréchet distance between Gaussians fitted to two sets of points."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.errors import GenbenchError
from genbench.core.types import Array

__all__ = ["frechet", "frechet_distance", "frechet_of", "root"]


@register_metric("frechet", family="distance", label="Fréchet", unit="data units²", order=160)
def frechet(evidence: Evidence) -> float:
    """Squared Fréchet distance between Gaussians fitted to samples and to test points.

    It uses all samples (Heusel et al. 2017). It depends only on means and covariances, so 0 does not prove that a model
    is good.
    """
    return frechet_of(evidence.samples, evidence.test)


def frechet_of(x: Array, y: Array) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to x [n, d] and y [m, d].

    x and y are points or features.

    Raises:
        GenbenchError: there are fewer than two points.
    """
    return frechet_distance(*_moments(x), *_moments(y))


def frechet_distance(mean1: Array, cov1: Array, mean2: Array, cov2: Array) -> float:
    """Return ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½): means [d], covariances [d, d].

    It is W₂² of the two Gaussians (Dowson & Landau 1982, eq. 4). The last trace is the sum of the singular values of
    Σ₁^½ Σ₂^½: a root of the product would turn a rounding error of ε into one of √ε.
    """
    cross = np.linalg.svd(root(cov1) @ root(cov2), compute_uv=False).sum()
    squared = np.square(mean1 - mean2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross
    return max(float(squared), 0.0)


def root(cov: Array) -> Array:
    """Return the symmetric root of a covariance [d, d].

    Eigenvalues below 0 by rounding count as 0.
    """
    values, vectors = np.linalg.eigh(cov)
    values[values < len(cov) * np.finfo(np.float64).eps * values.max()] = 0
    symmetric: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return symmetric


def _moments(x: Array) -> tuple[Array, Array]:
    """Return the mean [d] and the unbiased covariance [d, d] of points x [n, d]."""
    if len(x) < 2:
        raise GenbenchError(f"a covariance of {len(x)} points is not defined; give at least 2")
    return x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False))
