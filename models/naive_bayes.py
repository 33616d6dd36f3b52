"""Independent Gaussians: naive Bayes if there are classes, else the simplest density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.model import Model, register_model
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, NotNegative

__all__ = ["NaiveBayes"]


@register_model(
    "naive_bayes",
    family="classic",
    likelihood="exact",
    paper="Hand & Yu 2001",
    kinds=("points", "table", "image", "series"),
    role="control",
    variant=True,
)
class NaiveBayes(Model):
    """A Gaussian with independent coordinates, by maximum likelihood.

    With one for each class, it is Gaussian naive Bayes.

    Args:
        smoothing: added to each variance, as a share of the largest, so that a constant coordinate has a density.
    """

    def __init__(self, smoothing: NotNegative = 1e-9) -> None:
        self.smoothing = smoothing

    def fit(self, x: Array) -> None:
        self.shape, flat = x.shape[1:], x.reshape(len(x), -1)
        self.mean, variance = flat.mean(axis=0), flat.var(axis=0)
        variance += self.smoothing * (variance.max() or 1.0)
        if not variance.all():
            raise GenbenchError("naive_bayes has no density where a coordinate is constant; give smoothing above 0")
        self.std = np.sqrt(variance)
        self.n_parameters = 2 * flat.shape[1]

    def sample(self, n: int) -> Array:
        x = self.mean + self.std * np.random.standard_normal((n, len(self.mean)))
        return np.asarray(x.reshape(n, *self.shape))

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) = Σ_i log N(x_i; μ_i, σ_i²)."""
        z = (x.reshape(len(x), -1) - self.mean) / self.std
        log_p: Array = (-0.5 * z**2 - np.log(self.std) - 0.5 * np.log(2 * np.pi)).sum(axis=1)
        return log_p

    def conditional_sample(self, x: Array, known: NDArray[np.bool_]) -> Array:
        return np.where(known, x, self.sample(len(x)))
