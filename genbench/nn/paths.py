"""Paths of flow matching: the point at time t between source (t = 0) and data (t = 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

__all__ = ["PATHS", "AffinePath", "Bridge", "Lipman", "Path", "Straight", "Trigonometric", "VariancePreserving"]


class Path(Protocol):
    """A conditional path between x0 of the source and x1 of the data, and its velocity.

    Velocities change fastest near the data, so a clock u in [0, 1] slows down there: t = 1 − (1 − u)^pace. Training
    draws its times by this clock, the network gets the clock as input, and solvers have their grids on it.
    """

    pace: ClassVar[float]

    @property
    def mixes(self) -> bool:
        """Whether x_t is α x1 + β x0 without further noise."""

    def draw(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return x_t and its velocity u_t (b, d) given the ends (b, d) at times t (b, 1)."""

    def scale(self, t: Tensor) -> Tensor | float:
        """Return the scale of velocities at time t, the unit in which the network learns them."""

    def weight(self, t: Tensor) -> Tensor | float:
        """Return the weight of the squared error at times t (b, 1)."""

    def time(self, clock: Tensor) -> Tensor:
        """Return the times t of clock values u."""
        return 1 - (1 - clock).pow(self.pace)

    def clock(self, t: Tensor) -> Tensor:
        """Return the clock values u of times t."""
        return 1 - (1 - t).clamp(min=0).pow(1 / self.pace)


class AffinePath(Path):
    """x_t = α(t) x1 + β(t) x0 with u_t = α′(t) x1 + β′(t) x0.

    See Lipman et al. (2023, eq. 15) and Albergo et al. (2023). A subclass defines the coefficients and their
    derivatives.
    """

    pace = 1.5
    nearest: ClassVar[float] = 0.05  # least β by which `towards` divides (Li & He 2025, §4.3)

    @property
    def mixes(self) -> bool:
        return True

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return α, β, α′, β′ at times t, each of the shape of t."""
        raise NotImplementedError

    def draw(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, beta, alpha_rate, beta_rate = self.coefficients(t)
        return alpha * x1 + beta * x0, alpha_rate * x1 + beta_rate * x0

    def scale(self, t: Tensor) -> Tensor | float:
        return 1.0

    def weight(self, t: Tensor) -> Tensor | float:
        return 1.0

    def towards(self, x: Tensor, end: Tensor, t: Tensor) -> Tensor:
        """Return the velocity α′ x1 + β′ x0 (b, d) at x_t = x of a path to x1 = end.

        Here x0 = (x − α x1) / β. It is linear in (x, end) together. Near the data, β is kept away from 0, where
        different ends coincide.
        """
        alpha, beta, alpha_rate, beta_rate = self.coefficients(t)
        return ((alpha_rate * beta - alpha * beta_rate) * end + beta_rate * x) / beta.clamp(min=self.nearest)

    def ends(self, x: Tensor, velocity: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return E[x1 | x_t = x] and E[x0 | x_t = x] (b, d), from E[u_t | x_t = x].

        They solve two linear equations.
        """
        alpha, beta, alpha_rate, beta_rate = self.coefficients(t)
        determinant = alpha_rate * beta - alpha * beta_rate
        return (beta * velocity - beta_rate * x) / determinant, (alpha_rate * x - alpha * velocity) / determinant


@dataclass(frozen=True)
class Straight(AffinePath):
    """x_t = (1 − t) x0 + t x1 + σ ε, u = x1 − x0; σ = 0 gives straight lines.

    See Tong et al. (2024, eq. 14–15).
    """

    sigma: float = 0.0

    @property
    def mixes(self) -> bool:
        return not self.sigma

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        one = torch.ones_like(t)
        return t, 1 - t, one, -one

    def draw(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        velocity = x1 - x0
        xt = x0 + t * velocity
        return (xt + self.sigma * torch.randn_like(xt) if self.sigma else xt), velocity


@dataclass(frozen=True)
class Lipman(AffinePath):
    """x_t = t x1 + (1 − (1 − σ_min) t) x0 (Lipman et al. 2023, eq. 22).

    It ends with noise of size σ_min around x1.
    """

    sigma: float = 1e-3

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        one = torch.ones_like(t)
        return t, 1 - (1 - self.sigma) * t, one, -(1 - self.sigma) * one


@dataclass(frozen=True)
class Trigonometric(AffinePath):
    """x_t = sin(πt/2) x1 + cos(πt/2) x0, which keeps the variance.

    See Albergo and Vanden-Eijnden (2023).
    """

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        angle, rate = math.pi / 2 * t, math.pi / 2
        return angle.sin(), angle.cos(), rate * angle.cos(), -rate * angle.sin()


@dataclass(frozen=True)
class VariancePreserving(AffinePath):
    """The diffusion path α = exp(−½ T(1 − t)), β = √(1 − α²).

    Here T(s) = s β_min + ½ s² (β_max − β_min). See Lipman et al. (2023, eq. 18–19), after Ho et al. (2020) and Song et
    al. (2021). With α = cos φ and β = sin φ, velocities have the size of −φ′ = α′/β, which is unbounded near the data.
    So the network learns dx/dφ, like a diffusion model that predicts v.
    """

    slowest: float = 0.1
    fastest: float = 20.0
    pace = 3.0  # the angle φ goes like √(1 − t) near the data

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s = (1 - t).clamp(min=1e-5)
        log_alpha = -0.5 * (s * self.slowest + 0.5 * s.square() * (self.fastest - self.slowest))
        alpha, beta = log_alpha.exp(), (-torch.expm1(2 * log_alpha)).sqrt()
        alpha_rate = 0.5 * alpha * (self.slowest + s * (self.fastest - self.slowest))
        return alpha, beta, alpha_rate, -alpha * alpha_rate / beta

    def scale(self, t: Tensor) -> Tensor | float:
        _, beta, alpha_rate, _ = self.coefficients(t)
        return alpha_rate / beta

    def weight(self, t: Tensor) -> Tensor | float:
        _, beta, alpha_rate, _ = self.coefficients(t)
        return (beta / alpha_rate).square()


@dataclass(frozen=True)
class Bridge(Path):
    """A Brownian bridge x_t = (1 − t) x0 + t x1 + σ √(t(1 − t)) ε (Tong et al. 2024, eq. 20).

    u = x1 − x0 + (1 − 2t) / (2 √(t(1 − t))) σ ε, whose variance is unbounded near both ends. So the squared error is
    weighted by its mean for ends that are independent and standard normal.
    """

    sigma: float = 0.5
    pace = 1.5
    mixes = False

    def draw(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        noise, width = self.sigma * torch.randn_like(x0), _inside(t).sqrt()
        return x0 + t * (x1 - x0) + width * noise, x1 - x0 + (0.5 - t) / width * noise

    def scale(self, t: Tensor) -> Tensor | float:
        return 1.0

    def weight(self, t: Tensor) -> Tensor | float:
        return 2 / (2 + self.sigma**2 * (0.5 - t).square() / _inside(t))


def _inside(t: Tensor) -> Tensor:
    """Return t(1 − t), kept from 0."""
    return (t * (1 - t)).clamp(min=1e-6)


PATHS: dict[str, type[Path]] = {
    "straight": Straight,
    "lipman": Lipman,
    "trigonometric": Trigonometric,
    "variance_preserving": VariancePreserving,
    "bridge": Bridge,
}
