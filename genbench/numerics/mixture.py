"""Distributions of single values: mixtures of Gaussians, with the scores of forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array

__all__ = ["Mixture"]

LOG_2PI = float(np.log(2 * np.pi))
HALVINGS = 60  # of a bracket, which leave its 2^-60th part: rounding


@dataclass(frozen=True)
class Mixture:
    """A mixture of K Gaussians for each of n values; all arrays are [n, K].

    It is the forecast of a value. A single Gaussian is K = 1. Every model with Gaussian or mixture factors returns this
    form, so that means, quantiles, densities and CRPS are exact and computed in the same way for all.
    """

    log_weights: Array
    means: Array
    stds: Array

    @classmethod
    def gaussian(cls, mean: Array, std: Array | float) -> Mixture:
        """Return a single Gaussian for each of the means [n].

        `std` is one standard deviation, or one for each [n].
        """
        mean = np.asarray(mean, dtype=np.float64)[:, None]
        stds = np.broadcast_to(np.asarray(std, dtype=np.float64).reshape(-1, 1), mean.shape)
        return cls(np.zeros_like(mean), mean, stds)

    def affine(self, scale: float, shift: float) -> Mixture:
        """Return the distribution of scale · y + shift, for a scale above 0."""
        return Mixture(self.log_weights, scale * self.means + shift, scale * self.stds)

    @property
    def is_sound(self) -> bool:
        """Whether all three arrays have one shape, no NaN and positive standard deviations."""
        arrays = (self.log_weights, self.means, self.stds)
        same = len({array.shape for array in arrays}) == 1 and self.means.ndim == 2
        return same and not any(np.isnan(array).any() for array in arrays) and bool((self.stds > 0).all())

    @property
    def weights(self) -> Array:
        """The weights [n, K]."""
        return np.asarray(np.exp(self.log_weights))

    @property
    def mean(self) -> Array:
        """The means of the mixtures [n]."""
        return np.asarray((self.weights * self.means).sum(axis=1))

    @property
    def std(self) -> Array:
        """The standard deviations of the mixtures [n]."""
        apart = self.means - self.mean[:, None]
        return np.asarray(np.sqrt((self.weights * (self.stds**2 + apart**2)).sum(axis=1)))

    def log_prob(self, y: Array) -> Array:
        """Return log Σ_k w_k N(y; μ_k, σ_k²) in nats [n] for values y [n]."""
        from scipy.special import logsumexp

        z = (y[:, None] - self.means) / self.stds
        terms = self.log_weights - 0.5 * z**2 - np.log(self.stds) - 0.5 * LOG_2PI
        return np.asarray(logsumexp(terms, axis=1))

    def cdf(self, y: Array) -> Array:
        """Return P(Y ≤ y) [n] for values y [n]."""
        from scipy.special import ndtr

        return np.asarray((self.weights * ndtr((y[:, None] - self.means) / self.stds)).sum(axis=1))

    def quantile(self, q: float) -> Array:
        """Return the q-quantiles [n], for q in (0, 1), by bisection.

        A mixture's quantile lies between those of its parts.
        """
        from scipy.special import ndtri

        parts = self.means + self.stds * ndtri(q)
        low, high = parts.min(axis=1), parts.max(axis=1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = self.cdf(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2)

    def crps(self, y: Array) -> Array:
        """Return ∫ (P(Y ≤ t) − 1{y ≤ t})² dt [n] for values y [n], in their units.

        See Grimit et al. (2006, eq. 5). It is E|Y − y| − ½ E|Y − Y'|, and the mean of |N(μ, σ²)| has a closed form.
        """
        weights = self.weights
        near = (weights * _mean_absolute(y[:, None] - self.means, self.stds)).sum(axis=1)
        apart = self.means[:, :, None] - self.means[:, None]  # (n, K, K)
        spread = np.hypot(self.stds[:, :, None], self.stds[:, None])
        own = np.einsum("ni,nj,nij->n", weights, weights, _mean_absolute(apart, spread))
        return np.asarray(near - 0.5 * own)

    def sample(self, rng: np.random.Generator) -> Array:
        """Return a draw from each mixture [n]."""
        chosen = (rng.random((len(self.means), 1)) > np.cumsum(self.weights, axis=1)[:, :-1]).sum(axis=1)
        rows = np.arange(len(chosen))
        return np.asarray(self.means[rows, chosen] + self.stds[rows, chosen] * rng.standard_normal(len(chosen)))


def _mean_absolute(mean: Array, std: Array) -> Array:
    """Return E|X| for X ~ N(mean, std²), elementwise: 2σ φ(μ/σ) + μ (2 Φ(μ/σ) − 1)."""
    from scipy.special import ndtr

    z = mean / std
    return np.asarray(2 * std * np.exp(-0.5 * z**2 - 0.5 * LOG_2PI) + mean * (2 * ndtr(z) - 1))
