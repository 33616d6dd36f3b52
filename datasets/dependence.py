"""Coordinates whose dependence a covariance does not describe: a chain, and a copula.

The chain is nonlinear.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval, Lt

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Finite, Natural, Positive
from genbench.datasets.tails import StudentT
from genbench.numerics.quadrature import normal_quantile

__all__ = ["Chain", "Copula"]

LOG_2PI = float(np.log(2 * np.pi))


@register_dataset("chain", family="dependence", source="genbench", tests="dependence")
class Chain(SyntheticDataset):
    """x₁ ~ N(0, 1) and x_{i+1} = amplitude · sin(frequency · x_i) + noise · ε.

    Each coordinate depends on another one. Given its predecessor, each coordinate is Gaussian. So an autoregressive
    model in this order needs one hidden layer; in another order it has to invert the sine, which has many inverses. The
    order is shuffled by default.

    Args:
        dim: dimension of the space, 2 to 256.
        amplitude, frequency: amplitude and frequency of the sine.
        noise: standard deviation of the noise.
        shuffle: whether to put the coordinates in random order.
        seed: seed of the random order.
    """

    thin = "noise"

    def __init__(
        self,
        dim: Annotated[int, Interval(ge=2, le=256)] = 16,
        amplitude: Finite = 1.5,
        frequency: Finite = 2.0,
        noise: Positive = 0.3,
        shuffle: bool = True,
        seed: Natural = 0,
    ) -> None:
        self.dim, self.amplitude, self.frequency, self.noise = dim, amplitude, frequency, noise
        self.shuffle, self.seed, self.shape = shuffle, seed, (dim,)
        self.order = np.random.default_rng(seed).permutation(dim) if shuffle else np.arange(dim)  # place of each link

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        x = np.empty((len(u), self.dim))
        link = normal_quantile(u)
        x[:, self.order[0]] = link
        for place in self.order[1:]:
            link = self._mean(link) + self.noise * rng.standard_normal(len(u))
            x[:, place] = link
        return x, None

    def log_density(self, x: Array) -> Array:
        links = x[:, self.order]
        rest = (links[:, 1:] - self._mean(links[:, :-1])) / self.noise
        squares = links[:, 0] ** 2 + (rest**2).sum(axis=1)
        return np.asarray(-0.5 * squares - 0.5 * self.dim * LOG_2PI - (self.dim - 1) * np.log(self.noise))

    def _mean(self, x: Array) -> Array:
        return np.asarray(self.amplitude * np.sin(self.frequency * x))

    @property
    def entropy(self) -> float:
        """The differential entropy ½ dim log(2πe) + (dim − 1) log noise, in nats."""
        return float(0.5 * self.dim * (LOG_2PI + 1) + (self.dim - 1) * np.log(self.noise))


@register_dataset("copula", family="dependence", source="Nelsen 2006, section 2.10; Student margins", tests="tails")
class Copula(SyntheticDataset):
    """A Gaussian copula with heavy-tailed margins: neighbours depend on each other.

    Each coordinate alone has Student's t distribution. z ~ N(0, R) with R_ij = correlation^|i − j|, and x_i =
    F⁻¹(Φ(z_i)) with the distribution function F of t(dof). In the tails, the coordinates are nearly independent: a
    Gaussian copula has no tail dependence.

    Args:
        dim: dimension of the space, 2 to 256.
        correlation: correlation of neighbours in the copula.
        dof: degrees of freedom of the margins, at least 0.5.
    """

    def __init__(
        self,
        dim: Annotated[int, Interval(ge=2, le=256)] = 8,
        correlation: Annotated[Finite, Interval(gt=-1, lt=1)] = 0.9,
        dof: Annotated[Positive, Ge(0.5), Lt(1000)] = 3.0,
    ) -> None:
        self.dim, self.correlation, self.dof, self.shape = dim, correlation, dof, (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        from scipy.special import ndtr, stdtrit

        z = np.empty((len(u), self.dim))
        z[:, 0] = normal_quantile(u)
        fresh = np.sqrt(1 - self.correlation**2) * rng.standard_normal((len(u), self.dim - 1))
        for i in range(1, self.dim):
            z[:, i] = self.correlation * z[:, i - 1] + fresh[:, i - 1]
        return np.asarray(-np.sign(z) * stdtrit(self.dof, ndtr(-np.abs(z)))), None  # by the lower tail: no digits lost

    def log_density(self, x: Array) -> Array:
        from scipy.special import ndtri, stdtr

        z = -np.sign(x) * ndtri(stdtr(self.dof, -np.abs(x)))
        rest = (z[:, 1:] - self.correlation * z[:, :-1]) / np.sqrt(1 - self.correlation**2)
        log_copula = 0.5 * (z[:, 1:] ** 2 - rest**2).sum(axis=1) + self._log_root
        return np.asarray(log_copula + self._margin.log_density(x.reshape(-1, 1)).reshape(x.shape).sum(axis=1))

    @cached_property
    def _margin(self) -> StudentT:
        return StudentT(self.dof, 1)

    @property
    def _log_root(self) -> float:
        """−½ log |R|."""
        return float(-0.5 * (self.dim - 1) * np.log1p(-(self.correlation**2)))

    @property
    def entropy(self) -> float:
        """The entropy of the margins minus their mutual information −½ log |R|, in nats."""
        return float(self.dim * self._margin.entropy - self._log_root)
