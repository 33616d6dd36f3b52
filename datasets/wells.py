"""Targets of physics, used to test samplers of unnormalised densities."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array
from genbench.numerics.quadrature import gauss_legendre

__all__ = ["ManyWell"]

LOG_2PI = float(np.log(2 * np.pi))
REACH = 4.0  # of the double well: beyond ±4 lie exp(−4⁴ + 6 · 4² + 2) = e⁻¹⁵⁸ of its greatest density
PANELS = 64  # of 16 Gauss-Legendre nodes: the integrals are exact to rounding


class _DoubleWell:
    """The density ∝ exp(−x⁴ + 6x² + x/2) on the line, for UNU.RAN."""

    def pdf(self, x: float) -> float:
        return float(np.exp(_log_well(np.asarray(x)) - 10.0))  # near 1 at its maximum, e^9.9


def _log_well(x: Array) -> Array:
    return np.asarray(-(x**4) + 6 * x**2 + 0.5 * x)


@register_dataset("many_well", family="wells", source="Noé et al. 2019; Midgley et al. 2023 (FAB)", tests="rare modes")
class ManyWell(SyntheticDataset):
    """Pairs of coordinates with two wells each, one deeper: 2^(dim/2) modes.

    The density is p ∝ Π exp(−a⁴ + 6a² + a/2 − b²/2). Here a are the odd coordinates and b the even ones, all
    independent. The normalising constant is an integral over the line, computed by the Gauss-Legendre rule; a is drawn
    by inversion of its distribution function (UNU.RAN's PINV, to 1e-12). About 85 % of the mass of each a is in the
    well on the right.

    Args:
        dim: dimension of the space, even, 2 to 256.
    """

    def __init__(self, dim: Annotated[int, Interval(ge=2, le=256)] = 32) -> None:
        if dim % 2:
            raise ValueError(f"dim={dim} must be even")
        self.dim, self.shape = dim, (dim,)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        x = np.empty((len(u), self.dim))
        places = np.hstack([u[:, None], rng.random((len(u), self.dim // 2 - 1))])
        x[:, ::2] = self._inverse.ppf(places)
        x[:, 1::2] = rng.standard_normal((len(u), self.dim // 2))
        return x, None

    def log_density(self, x: Array) -> Array:
        nats = _log_well(x[:, ::2]) - self._log_constant - 0.5 * x[:, 1::2] ** 2 - 0.5 * LOG_2PI
        return np.asarray(nats.sum(axis=1))

    @property
    def entropy(self) -> float:
        """The entropy in nats: dim/2 times −∫ p log p of a double well plus ½ log(2πe)."""
        x, weights = gauss_legendre(np.linspace(-REACH, REACH, PANELS + 1))
        log_p = _log_well(x) - self._log_constant
        return float(self.dim / 2 * (0.5 * (LOG_2PI + 1) - weights @ (np.exp(log_p) * log_p)))

    @cached_property
    def _log_constant(self) -> float:
        x, weights = gauss_legendre(np.linspace(-REACH, REACH, PANELS + 1))
        return float(np.log(weights @ np.exp(_log_well(x))))

    @cached_property
    def _inverse(self) -> Any:
        from scipy.stats.sampling import NumericalInversePolynomial

        return NumericalInversePolynomial(_DoubleWell(), domain=(-REACH, REACH), u_resolution=1e-12)
