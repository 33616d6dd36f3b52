"""Standardisation: the engine's own change of units, with its log-determinant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array

__all__ = ["Standardiser", "constant"]

ROUNDING = 8  # units in the last place, by which equal values differ that were computed in different ways


def constant(x: Array, axis: int | tuple[int, ...] | None = 0) -> NDArray[np.bool_]:
    """Return where x is constant along some axes, up to rounding.

    These axes are kept, with length 1. Whole numbers are not rounded: they are constant only if they are equal.
    """
    high, low = x.max(axis=axis, keepdims=True), x.min(axis=axis, keepdims=True)
    spread = high - low
    same = spread <= ROUNDING * np.spacing(np.maximum(np.abs(high), np.abs(low)))
    if not (same & (spread > 0)).any():
        return same
    return same & ((spread == 0) | ~(np.floor(x) == x).all(axis=axis, keepdims=True))


@dataclass(frozen=True)
class Standardiser:
    """The map z = (x − mean) / scale for each coordinate; log p(x) = log p(z) − Σ log scale."""

    mean: Array
    scale: Array

    @classmethod
    def fit(cls, x: Array) -> Standardiser:
        """Return the map that gives points x [n, *shape] mean 0 and standard deviation 1.

        Constant coordinates keep scale 1.
        """
        same = constant(x)[0]
        mean = np.where(same, x.min(axis=0), x.mean(axis=0))  # of equal numbers, the mean has a rounding error
        return cls(mean, np.where(same, 1.0, x.std(axis=0)))

    @classmethod
    def of_pictures(cls, x: Array) -> Standardiser:
        """Return the map that standardises each channel of training images x [n, c, h, w].

        One scale for each pixel would enlarge the noise of edges that are always black.
        """
        pixels, shape = (0, 2, 3), x.shape[1:]
        mean, scale = x.mean(axis=pixels, keepdims=True)[0], _scale(x, pixels)[0]
        return cls(np.broadcast_to(mean, shape), np.broadcast_to(scale, shape))

    @classmethod
    def of_series(cls, x: Array) -> Standardiser:
        """Return the map that standardises training windows x [n, length], over all their steps.

        A window may begin at any time, so its steps have one scale; scales by position would differ only by chance.
        """
        return cls(np.full(x.shape[1:], x.mean()), np.full(x.shape[1:], _scale(x, None).item()))

    @classmethod
    def identity(cls, shape: tuple[int, ...]) -> Standardiser:
        """Return the map that changes nothing."""
        return cls(np.zeros(shape), np.ones(shape))

    def forward(self, x: Array) -> Array:
        """Return standardised points z [n, *shape]."""
        return (x - self.mean) / self.scale

    def inverse(self, z: Array) -> Array:
        """Return points in the data's own units [n, *shape]."""
        return z * self.scale + self.mean

    def moved(self, v: Array) -> Array:
        """Return directions in the data's own units [n, *shape] of directions v in the model's."""
        return self.scale * v

    def slope(self, gradient: Array) -> Array:
        """Return the gradient by x [n, *shape] of a function whose gradient by z is given."""
        return gradient / self.scale

    @property
    def log_det(self) -> float:
        """Log |det dz/dx| = −Σ log scale, in nats."""
        return -float(np.log(self.scale).sum())


def _scale(x: Array, axis: int | tuple[int, ...] | None) -> Array:
    """Return the standard deviations along some axes, which are kept with length 1; 1 where x is constant."""
    return np.where(constant(x, axis), 1.0, x.std(axis=axis, keepdims=True))
