"""Heavy tails and unequal scales: data for which standardisation is not enough."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Natural, Positive
from genbench.datasets.products import PLANAR, Planar
from genbench.numerics.quadrature import normal_quantile

__all__ = ["LogNormal", "Scales", "StudentT"]

LOG_2PI = float(np.log(2 * np.pi))


@register_dataset("student_t", family="tails", source="Kotz & Nadarajah 2004, equation 1.1", tests="tails")
class StudentT(SyntheticDataset):
    """The multivariate t distribution: x = z √(dof / g) with z ~ N(0, I), g ~ χ²(dof).

    It is round and has heavy tails. The coordinates are uncorrelated, but depend on each other by their common scale.
    Up to dof = 2 there is no variance and no finite W2; up to 1, there is no mean.

    Args:
        dof: degrees of freedom: the density falls like ‖x‖^−(dof + dim).
        dim: dimension of the space, 1 to 256.
    """

    def __init__(
        self, dof: Annotated[Positive, Ge(0.5)] = 2.0, dim: Annotated[int, Interval(ge=1, le=256)] = 8
    ) -> None:
        self.dof, self.dim, self.shape = dof, dim, (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        from scipy.special import gammaincinv

        g = 2 * gammaincinv(self.dof / 2, np.maximum(u, 2.0**-54))  # u decides the scale
        return np.sqrt(self.dof / g)[:, None] * rng.standard_normal((len(u), self.dim)), None

    def log_density(self, x: Array) -> Array:
        return np.asarray(self._log_norm - 0.5 * (self.dof + self.dim) * np.log1p((x**2).sum(axis=1) / self.dof))

    @property
    def _log_norm(self) -> float:
        from scipy.special import gammaln

        half = (self.dof + self.dim) / 2
        return float(gammaln(half) - gammaln(self.dof / 2) - 0.5 * self.dim * np.log(np.pi * self.dof))

    @property
    def entropy(self) -> float:
        """The entropy −log norm + ½ (dof + dim)(ψ(½ (dof + dim)) − ψ(½ dof)) in nats."""
        from scipy.special import psi

        half = (self.dof + self.dim) / 2
        return float(half * (psi(half) - psi(self.dof / 2)) - self._log_norm)


@register_dataset("log_normal", family="tails", source="genbench", tests="tails")
class LogNormal(SyntheticDataset):
    """Independent log-normal coordinates, log x_i ~ N(0, sigma²): positive and skewed.

    Args:
        dim: dimension of the space, 1 to 256.
        sigma: standard deviation of the logarithm.
    """

    def __init__(
        self, dim: Annotated[int, Interval(ge=1, le=256)] = 8, sigma: Annotated[Positive, Interval(le=5.0)] = 1.0
    ) -> None:
        self.dim, self.sigma, self.shape = dim, sigma, (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        first = normal_quantile(u)[:, None]
        return np.exp(self.sigma * np.hstack([first, rng.standard_normal((len(u), self.dim - 1))])), None

    def log_density(self, x: Array) -> Array:
        inside = (x > 0).all(axis=1)
        y = np.log(np.where(x > 0, x, 1.0))
        nats = -0.5 * (y / self.sigma) ** 2 - y - 0.5 * LOG_2PI - np.log(self.sigma)
        return np.where(inside, nats.sum(axis=1), -np.inf)

    @property
    def entropy(self) -> float:
        """The entropy ½ log(2πe sigma²) for each coordinate, in nats, because E log x is 0."""
        return float(self.dim * (0.5 * (LOG_2PI + 1) + np.log(self.sigma)))


@register_dataset("scales", family="tails", source="genbench", tests="scale")
class Scales(SyntheticDataset):
    """Copies of a planar set as columns of a table, each column in its own unit.

    The units are from 0.001 to 1,000. If each column is divided by its standard deviation, the difficulty disappears. A
    model, or a metric, that does not divide uses only the largest columns.

    Args:
        of: the planar set, with its default parameters.
        copies: number of copies, 2 to 128; there are twice as many columns.
        low: the smallest unit.
        high: the largest unit; the logarithms of the units are evenly spaced, and shuffled.
        seed: seed of the shuffle.
    """

    def __init__(
        self,
        of: Planar = "moons",
        copies: Annotated[int, Interval(ge=2, le=128)] = 4,
        low: Positive = 1e-3,
        high: Positive = 1e3,
        seed: Natural = 0,
    ) -> None:
        if low > high:
            raise ValueError(f"low={low} must be at most high={high}")
        self.of, self.copies, self.low, self.high, self.seed = of, copies, low, high, seed
        self.shape, self.base = (2 * copies,), PLANAR[of]()
        self.smooth = self.base.smooth
        self.units = np.random.default_rng(seed).permutation(np.geomspace(low, high, 2 * copies))

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        places = [u, *(rng.random(len(u)) for _ in range(self.copies - 1))]
        return np.hstack([self.base.draw(place, rng)[0] for place in places]) * self.units, None

    def log_density(self, x: Array) -> Array:
        nats = self.base.log_density((x / self.units).reshape(-1, 2)).reshape(-1, self.copies).sum(axis=1)
        return np.asarray(nats - np.log(self.units).sum())

    @property
    def entropy(self) -> float:
        """The entropy of the planar set times the number of copies, in other units, in nats.

        The sum of the logarithms of the units is added.
        """
        return float(self.copies * self.base.entropy + np.log(self.units).sum())
