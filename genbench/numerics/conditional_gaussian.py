"""A Gaussian given some of its coordinates, with which several models fill gaps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array

__all__ = ["Conditional", "conditional_gaussian"]

Mask = NDArray[np.bool_]


class Conditional(NamedTuple):
    """x_u | x_k ~ N(μ_u + gain (x_k − μ_k), root rootᵀ), for unknown u and known k.

    Attributes:
        gain: the gain [u, k].
        root: the Cholesky root of the remaining covariance [u, u], lower triangular.
        known_root: the Cholesky root of the covariance of x_k [k, k], lower triangular.
    """

    gain: Array
    root: Array
    known_root: Array

    def log_known(self, centred: Array) -> Array:
        """Return log N(x_k; μ_k, Σ_kk) in nats, [n], for x_k − μ_k [n, k]."""
        white = np.linalg.solve(self.known_root, centred.T)  # (k, n)
        log_det = np.log(np.diag(self.known_root)).sum()
        log_p: Array = -0.5 * (white**2).sum(axis=0) - log_det - 0.5 * len(white) * np.log(2 * np.pi)
        return log_p


def conditional_gaussian(covariance: Array, known: Mask) -> Conditional:
    """Return the distribution of the unknown coordinates of N(μ, Σ) given the known ones.

    See Bishop (2006, eq. 2.81–2.82). Σ_uk Σ_kk⁻¹ is the gain, and Σ_uu − Σ_uk Σ_kk⁻¹ Σ_ku the remaining covariance.

    Args:
        covariance: Σ [d, d], positive definite.
        known: which coordinates are known, [d]; some are, and some are not.
    """
    unknown = ~known
    cross = covariance[np.ix_(unknown, known)]
    gain = np.linalg.solve(covariance[np.ix_(known, known)], cross.T).T
    left = covariance[np.ix_(unknown, unknown)] - gain @ cross.T
    left = 0.5 * (left + left.T)
    roots = [np.linalg.cholesky(part) for part in (left, covariance[np.ix_(known, known)])]
    return Conditional(*(np.asarray(part, dtype=np.float64) for part in (gain, *roots)))
