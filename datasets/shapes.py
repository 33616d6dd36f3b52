"""Shapes with sharp edges, twists, bends and changing scales, with known densities."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Interval, Le

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Finite, Labels, Positive
from genbench.numerics.quadrature import normal_quantile

__all__ = ["Banana", "Checkerboard", "Funnel", "Pinwheel", "StretchedGaussian"]

LOG_2PI = float(np.log(2 * np.pi))


@register_dataset("checkerboard", family="shapes", source="Grathwohl et al. 2019 (FFJORD), divided by 0.45")
class Checkerboard(SyntheticDataset):
    """The eight black squares of a board of four by four, of side 1/0.45.

    The density is uniform, with sharp edges and −inf outside. x₁ ~ U[−2, 2), x₂ = U[0, 1) − 2·Bernoulli(½) + (⌊x₁⌋ mod
    2), both divided by 0.45.
    """

    shape = (2,)
    scale = 0.45
    smooth = False

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        square = np.floor(8 * u)
        column, low = np.floor(square / 2), square % 2
        x1 = column - 2 + (8 * u - square)
        x2 = rng.random(len(u)) - 2 * low + column % 2
        return np.stack([x1, x2], axis=1) / self.scale, None

    def log_density(self, x: Array) -> Array:
        x1, x2 = self.scale * x.T
        height = np.floor(x2 - np.floor(x1) % 2)
        black = (x1 >= -2) & (x1 < 2) & ((height == 0) | (height == -2))
        return np.where(black, -self.entropy, -np.inf)

    @property
    def entropy(self) -> float:
        """The logarithm of the area of eight squares, in nats."""
        return float(np.log(8 / self.scale**2))


@register_dataset("stretched_gaussian", family="shapes", source="genbench")
class StretchedGaussian(SyntheticDataset):
    """One long and thin Gaussian with rotated axes: the simplest target that is not round.

    Args:
        long: standard deviation along the first axis.
        short: standard deviation across it.
        angle: angle of the first axis, in degrees.
    """

    shape = (2,)

    def __init__(self, long: Positive = 2.0, short: Positive = 0.3, angle: Finite = 45.0) -> None:
        self.long, self.short, self.angle = long, short, angle

    @property
    def axes(self) -> Array:
        """The two axes [2, 2], one in each row."""
        cos, sin = np.cos(np.deg2rad(self.angle)), np.sin(np.deg2rad(self.angle))
        return np.array([[cos, sin], [-sin, cos]])

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        z = np.stack([normal_quantile(u), rng.standard_normal(len(u))], axis=1)  # (n, 2)
        return z * [self.long, self.short] @ self.axes, None

    def log_density(self, x: Array) -> Array:
        z = x @ self.axes.T / [self.long, self.short]
        return np.asarray(-0.5 * (z**2).sum(axis=1) - LOG_2PI - np.log(self.long * self.short))

    @property
    def entropy(self) -> float:
        """The differential entropy log(2πe · long · short), in nats."""
        return float(LOG_2PI + 1 + np.log(self.long * self.short))


@register_dataset("pinwheel", family="shapes", source="Johnson et al. 2016, with the twist taken from the norm")
class Pinwheel(SyntheticDataset):
    """Gaussian arms around the origin, twisted into a spiral. Labels: the arm.

    A point f ~ N((1, 0), diag(radial², tangential²)) is rotated by the arm's angle plus rate · exp(‖f‖). A rotation by
    an angle that depends only on the norm preserves area, so p(x) is the density of the straight arms at the point
    rotated back, and the entropy is that of the straight arms. (Beyond norm 10, the twist is constant, and so finite.)

    Args:
        arms: number of arms, 2 to 64.
        radial: standard deviation along an arm.
        tangential: standard deviation across an arm, at most 100 times smaller or greater than `radial`.
        rate: how fast the arms are twisted.
    """

    shape = (2,)

    thin = "tangential"

    def __init__(
        self,
        arms: Annotated[int, Interval(ge=2, le=64)] = 5,
        radial: Positive = 0.3,
        tangential: Positive = 0.1,
        rate: Finite = 0.25,
    ) -> None:
        if not 0.01 <= tangential / radial <= 100:
            raise ValueError(f"tangential={tangential} must be within a factor of 100 of radial={radial}")
        self.arms, self.radial, self.tangential, self.rate = arms, radial, tangential, rate
        self.classes = arms

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        arm = np.floor(self.arms * u)
        along = 1 + self.radial * normal_quantile(self.arms * u - arm)
        across = self.tangential * rng.standard_normal(len(u))
        angle = 2 * np.pi * arm / self.arms + self._twist(np.hypot(along, across))
        return np.stack(_rotate(along, across, angle), axis=1), arm.astype(np.int64)

    def log_density(self, x: Array) -> Array:
        return np.asarray(np.logaddexp.reduce(self.log_joint(x), axis=1))

    def log_joint(self, x: Array) -> Array:
        along, across = _rotate(x[:, 0], x[:, 1], -self._twist(np.hypot(x[:, 0], x[:, 1])))
        return np.asarray(self._log_arms(along, across).T - np.log(self.arms))

    @cached_property
    def entropy(self) -> float:
        """The differential entropy H(X|K) + H(K) − H(K|X), in nats.

        The last term is computed by the trapezoid rule over one arm, as all arms are equal.
        """
        step = min(self.radial, self.tangential) / 4
        along = 1 + np.arange(-10 * self.radial, 10 * self.radial, step)
        across = np.arange(-10 * self.tangential, 10 * self.tangential, step)
        confusion = 0.0
        for row in np.array_split(along, -(-len(along) * len(across) // 100_000)):
            log_arms = self._log_arms(*(grid.ravel() for grid in np.meshgrid(row, across)))  # (arms, points)
            log_pi = log_arms - np.logaddexp.reduce(log_arms, axis=0)
            confusion -= float((np.exp(log_arms[0]) * (np.exp(log_pi) * log_pi).sum(axis=0)).sum()) * step**2
        within = LOG_2PI + 1 + np.log(self.radial * self.tangential)
        return float(within + np.log(self.arms) - confusion)

    def _twist(self, norm: Array) -> Array:
        return np.asarray(self.rate * np.exp(np.minimum(norm, 10.0)))

    def _log_arms(self, along: Array, across: Array) -> Array:
        """Return the log-density of each straight arm, [arms, n], at the points (along, across), [n] each."""
        base = 2 * np.pi * np.arange(self.arms)[:, None] / self.arms
        a, b = _rotate(along, across, -base)  # (arms, n)
        squares = ((a - 1) / self.radial) ** 2 + (b / self.tangential) ** 2
        return np.asarray(-0.5 * squares - LOG_2PI - np.log(self.radial * self.tangential))


def _rotate(x: Array, y: Array, angle: Array) -> tuple[Array, Array]:
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x - sin * y, sin * x + cos * y


@register_dataset("banana", family="shapes", source="Haario et al. 1999", tests="dependence")
class Banana(SyntheticDataset):
    """A Gaussian bent along a parabola.

    x₁ ~ N(0, scale²), and x_i | x₁ ~ N(curvature · (x₁² − scale²), width²) for i > 1. The bend shifts the others by a
    function of x₁, so its Jacobian is 1 and the entropy is that of the Gaussian. In many dimensions, all coordinates
    bend together, around one curve.

    Args:
        scale: standard deviation of x₁.
        curvature: curvature of the parabola; 0 gives a Gaussian.
        width: standard deviation of the others around the parabola.
        dim: dimension of the space, 2 to 256.
    """

    thin = "width"

    def __init__(
        self,
        scale: Positive = 2.0,
        curvature: Finite = 0.5,
        width: Positive = 0.5,
        dim: Annotated[int, Interval(ge=2, le=256)] = 2,
    ) -> None:
        self.scale, self.curvature, self.width, self.dim = scale, curvature, width, dim
        self.shape = (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        x1 = self.scale * normal_quantile(u)[:, None]  # (n, 1)
        return np.hstack([x1, self._bend(x1) + self.width * rng.standard_normal((len(u), self.dim - 1))]), None

    def log_density(self, x: Array) -> Array:
        x1 = x[:, :1]
        squares = (((x[:, 1:] - self._bend(x1)) / self.width) ** 2).sum(axis=1) + ((x1 / self.scale) ** 2)[:, 0]
        return np.asarray(-0.5 * squares - 0.5 * self.dim * LOG_2PI - self._log_volume)

    def _bend(self, x1: Array) -> Array:
        return np.asarray(self.curvature * (x1**2 - self.scale**2))

    @property
    def _log_volume(self) -> float:
        return float(np.log(self.scale) + (self.dim - 1) * np.log(self.width))

    @property
    def entropy(self) -> float:
        """The differential entropy ½ dim log(2πe) + log scale + (dim − 1) log width, in nats."""
        return 0.5 * self.dim * (LOG_2PI + 1) + self._log_volume


@register_dataset("funnel", family="shapes", source="Neal 2003, Slice sampling, section 8", tests="scale")
class Funnel(SyntheticDataset):
    """Neal's funnel: v ~ N(0, std²) and x_i | v ~ N(0, eᵛ); v is the first coordinate.

    Args:
        dim: dimension including v, 2 to 256.
        std: standard deviation of v, at most 10.
    """

    def __init__(self, dim: Annotated[int, Interval(ge=2, le=256)] = 2, std: Annotated[Positive, Le(10)] = 3.0) -> None:
        self.dim, self.std = dim, std
        self.shape = (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        v = self.std * normal_quantile(u)[:, None]  # (n, 1)
        return np.hstack([v, np.exp(v / 2) * rng.standard_normal((len(u), self.dim - 1))]), None

    def log_density(self, x: Array) -> Array:
        """Return log N(v; 0, std²) + Σ_i log N(x_i; 0, eᵛ), [n].

        e⁻ᵛ is at most e⁶⁰⁰, so that the result is finite.
        """
        v, squares = x[:, 0], (x[:, 1:] ** 2).sum(axis=1)
        log_v = -0.5 * (v / self.std) ** 2 - np.log(self.std)
        log_rest = -0.5 * squares * np.exp(np.minimum(-v, 600.0)) - 0.5 * (self.dim - 1) * v
        return np.asarray(log_v + log_rest - 0.5 * self.dim * LOG_2PI)

    @property
    def entropy(self) -> float:
        """The entropy ½ log(2πe std²) + (dim − 1)(½ log 2πe + E[v]/2) in nats, with E[v] = 0."""
        return float(0.5 * self.dim * (LOG_2PI + 1) + np.log(self.std))
