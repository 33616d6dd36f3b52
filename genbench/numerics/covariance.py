"""Invertible covariances, even for more columns than rows."""

from __future__ import annotations

import numpy as np

from genbench.core.types import Array

__all__ = ["ENOUGH", "covariance", "shrunk"]

# Rows a column, from which on a covariance is left as it is. By held-out likelihood of a Gaussian on the tables of
# scikit-learn, on digits and on a model of factors: with fewer, shrinkage wins everywhere, by up to 10⁸ nats a column;
# from 4 on hardly anywhere.
ENOUGH = 2.0


def covariance(x: Array) -> Array:
    """Return the covariance [d, d] of points x [n, d].

    It is that of maximum likelihood, or shrunk if there are few points.
    """
    d = x.shape[1]
    return shrunk(np.cov(x.T, bias=True).reshape(d, d), len(x))


def shrunk(covariance: Array, n: float) -> Array:
    """Return the covariance (1 − ρ) S + ρ tr(S)/d · I [d, d] of n points, if n is small.

    It is shrunk if there are fewer than two points for each dimension. ρ is the oracle approximating shrinkage of
    normal points (Chen et al. 2010, eq. 23), as in scikit-learn's `oas`. Without it, the covariance of n ≤ d points has
    no inverse, and that of a few more points has a bad one.
    """
    d = len(covariance)
    if n >= ENOUGH * d:
        return covariance
    mean, square = np.trace(covariance) / d, np.square(covariance).mean()  # tr(S)/d and tr(S²)/d²
    spread = (n + 1) * (square - mean**2 / d)
    rho = 1.0 if spread <= 0 else min(1.0, (square + mean**2) / spread)
    mixed: Array = (1 - rho) * covariance
    mixed[np.diag_indices(d)] += rho * mean
    return mixed
