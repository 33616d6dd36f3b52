"""Linear autoregression: each coordinate is a linear regression on those before it.

The result is exactly a Gaussian.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.model import Model, register_model
from genbench.core.types import Array, NotNegative
from genbench.numerics.conditional_gaussian import conditional_gaussian
from genbench.numerics.covariance import ENOUGH, covariance
from genbench.numerics.mixture import Mixture

__all__ = ["ARGaussian"]


@register_model(
    "ar_gaussian",
    family="autoregressive",
    likelihood="exact",
    paper="Pourahmadi 1999",
    kinds=("points", "table", "series"),
    variant=True,
)
class ARGaussian(Model):
    """Linear autoregressive model, p(x_i | x_1 … x_{i−1}) = N(a_i + Σ_{j<i} b_ij x_j, σ_i²).

    It is fitted by least squares. The product of the factors is the Gaussian of maximum likelihood (Pourahmadi 1999,
    eq. 2 to 4), a baseline for networks. With fewer than two points for each dimension, its covariance is shrunk, as
    for the `gaussian` control.

    Args:
        ridge: weight of the squared penalty on the b_ij for each point, and variance added to σ_i², in standardised
            units, so that a coordinate that is a function of others has a finite density. It is the ridge of the
            `gaussian` control.
    """

    def __init__(self, ridge: NotNegative = 1e-9) -> None:
        self.ridge = ridge

    def fit(self, x: Array) -> None:
        """Solve all d regressions with one QR decomposition X = QR.

        X are the centred points, with ridge rows below them. Column i of X is Σ_{j<i} (…) + Q_i R_ii, so the first i −
        1 columns of R give the coefficients of coordinate i, R_{<i,<i} b_i = R_{<i,i}, and |R_ii| is the norm of its
        residual. For a shrunk covariance, RᵀR is n times it.
        """
        from scipy.linalg import solve_triangular

        n, d = x.shape
        self.mean = x.mean(axis=0)
        if n >= ENOUGH * d:
            _, r = np.linalg.qr(np.vstack([x - self.mean, np.sqrt(n * self.ridge) * np.eye(d)]))  # (d, d)
        else:
            r = np.sqrt(n) * np.linalg.cholesky(covariance(x) + self.ridge * np.eye(d)).T
        # Strictly lower triangular, row i holds b_i: all d systems are the rows of (Rᵀ)⁻¹, each times −R_ii.
        self.coefficients = np.tril(-np.diag(r)[:, None] * solve_triangular(r.T, np.eye(d), lower=True), -1)
        self.std = np.abs(np.diag(r)) / np.sqrt(n)
        self.n_parameters = 2 * d + d * (d - 1) // 2

    def sample(self, n: int) -> Array:
        """Draw one coordinate after the other."""
        x = np.empty((n, len(self.mean)))
        for i, (b, std) in enumerate(zip(self.coefficients, self.std, strict=True)):
            x[:, i] = self.mean[i] + (x[:, :i] - self.mean[:i]) @ b[:i] + std * np.random.standard_normal(n)
        return x

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) = Σ_i log N(x_i; a_i + Σ_{j<i} b_ij x_j, σ_i²)."""
        centred = x - self.mean
        noise = (centred - centred @ self.coefficients.T) / self.std  # (n, d)
        log_p: Array = (-0.5 * noise**2 - np.log(self.std) - 0.5 * np.log(2 * np.pi)).sum(axis=1)
        return log_p

    def forecast(self, x: Array) -> Mixture:
        """Return the last factor, N(x_d; a_d + Σ_j b_dj x_j, σ_d²), for histories x [n, d − 1]."""
        mean = self.mean[-1] + (x - self.mean[:-1]) @ self.coefficients[-1, :-1]
        return Mixture.gaussian(mean, self.std[-1])

    def conditional_sample(self, x: Array, known: NDArray[np.bool_]) -> Array:
        """Draw from the conditional of the Gaussian, x − μ = (I − B)⁻¹ D ε, for any mask."""
        root = np.linalg.solve(np.eye(len(self.mean)) - self.coefficients, np.diag(self.std))
        part, x = conditional_gaussian(root @ root.T, known), x.copy()
        noise = np.random.standard_normal((len(x), len(part.root))) @ part.root.T
        x[:, ~known] = self.mean[~known] + (x[:, known] - self.mean[known]) @ part.gain.T + noise
        return x
