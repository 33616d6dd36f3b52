"""The controls: the oracle, the memoriser and the trivial baseline.

The same evaluator scores them and the models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Dataset, Splits, SyntheticDataset
from genbench.contracts.model import Model, register_model
from genbench.contracts.series import SyntheticSeries
from genbench.core.types import Array, NotNegative
from genbench.numerics.conditional_gaussian import conditional_gaussian
from genbench.numerics.covariance import covariance
from genbench.numerics.mixture import Mixture

__all__ = ["Gaussian", "Memoriser", "Oracle"]

ALL_KINDS = ("points", "table", "image", "series")


@register_model("oracle", family="control", likelihood="exact", kinds=ALL_KINDS, role="oracle", standardise=False)
class Oracle(Model):
    """New draws from the truth; for real data, held-out points.

    Its scores are those of a perfect model.
    """

    def reveal(self, dataset: Dataset, splits: Splits) -> None:
        self.dataset, self.held_out = dataset, splits.validation

    def sample(self, n: int) -> Array:
        if isinstance(self.dataset, SyntheticDataset):
            return self.dataset.sample(n, seed=int(np.random.randint(2**31)))
        if n <= len(self.held_out):
            return self.held_out[np.random.permutation(len(self.held_out))[:n]]
        return self.held_out[np.random.randint(len(self.held_out), size=n)]

    def log_prob(self, x: Array) -> Array:
        if not (isinstance(self.dataset, SyntheticDataset) and self.dataset.has_density):
            raise NotImplementedError(f"the density of {self.dataset.card.name} is not known")
        return self.dataset.log_prob(x)

    def score_at(self, x: Array) -> Array:
        if not (isinstance(self.dataset, SyntheticDataset) and self.dataset.has_score):
            raise NotImplementedError(f"the score of {self.dataset.card.name} is not known")
        return self.dataset.score(x)

    def forecast(self, x: Array) -> Mixture:
        assert isinstance(self.dataset, SyntheticSeries)
        return self.dataset.forecast(x)


@register_model("memoriser", family="control", kinds=ALL_KINDS, role="control")
class Memoriser(Model):
    """Resampled training points: the scores of a model that only memorises."""

    def fit(self, x: Array) -> None:
        self.points = x

    def sample(self, n: int) -> Array:
        return self.points[np.random.randint(len(self.points), size=n)]


@register_model("gaussian", family="control", likelihood="exact", kinds=ALL_KINDS, role="control")
class Gaussian(Model):
    """One Gaussian with full covariance, by maximum likelihood: the trivial baseline.

    With fewer than two points for each dimension, the covariance is shrunk (`genbench.numerics.covariance`).

    Args:
        ridge: added to the diagonal of the covariance, in standardised units, so that it can be inverted.
    """

    def __init__(self, ridge: NotNegative = 1e-9) -> None:
        self.ridge = ridge

    def fit(self, x: Array) -> None:
        self.shape, x = x.shape[1:], x.reshape(len(x), -1)
        d = x.shape[1]
        self.mean = x.mean(axis=0)
        self.cholesky = np.linalg.cholesky(covariance(x) + self.ridge * np.eye(d))  # (d, d)
        self.n_parameters = d + d * (d + 1) // 2

    def sample(self, n: int) -> Array:
        x: Array = self.mean + np.random.standard_normal((n, len(self.mean))) @ self.cholesky.T
        return x.reshape(n, *self.shape)

    def log_prob(self, x: Array) -> Array:
        """Return log N(x; μ, LLᵀ) = −½‖L⁻¹(x − μ)‖² − Σ log Lᵢᵢ − (d/2) log 2π."""
        white = np.linalg.solve(self.cholesky, (x.reshape(len(x), -1) - self.mean).T)  # (d, n)
        log_det = np.log(np.diag(self.cholesky)).sum()
        log_p: Array = -0.5 * (white**2).sum(axis=0) - log_det - 0.5 * len(self.mean) * np.log(2 * np.pi)
        return log_p

    def score_at(self, x: Array) -> Array:
        """Return ∇ log N(x; μ, LLᵀ) = L⁻ᵀ L⁻¹ (μ − x)."""
        white = np.linalg.solve(self.cholesky, (self.mean - x.reshape(len(x), -1)).T)  # (d, n)
        slope: Array = np.linalg.solve(self.cholesky.T, white).T
        return slope.reshape(x.shape)

    def forecast(self, x: Array) -> Mixture:
        """Return the last coordinate given the others x [n, d − 1].

        It is N(μ_d + L_{d,<d} L_{<d,<d}⁻¹ (x − μ), L_dd²).
        """
        white = np.linalg.solve(self.cholesky[:-1, :-1], (x - self.mean[:-1]).T)  # (d − 1, n)
        return Mixture.gaussian(self.mean[-1] + self.cholesky[-1, :-1] @ white, self.cholesky[-1, -1])

    def conditional_sample(self, x: Array, known: NDArray[np.bool_]) -> Array:
        """Draw from N(μ_u + Σ_uk Σ_kk⁻¹ (x_k − μ_k), Σ_uu − Σ_uk Σ_kk⁻¹ Σ_ku)."""
        flat, mask = x.reshape(len(x), -1).copy(), known.ravel()
        part = conditional_gaussian(self.cholesky @ self.cholesky.T, mask)
        noise = np.random.standard_normal((len(x), len(part.root))) @ part.root.T
        flat[:, ~mask] = self.mean[~mask] + (flat[:, mask] - self.mean[mask]) @ part.gain.T + noise
        return flat.reshape(x.shape)
