"""Standardisation: the engine's own change of units, with its log-determinant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array

__all__ = ["Standardiser"]


@dataclass(frozen=True)
class Standardiser:
    """The map z = (x − mean) / scale, coordinate by coordinate; log p(x) = log p(z) − Σ log scale."""

    mean: Array
    scale: Array

    @classmethod
    def fit(cls, x: Array) -> Standardiser:
        """Return the map that gives points x [n, *shape] mean 0 and deviation 1; a constant one keeps its scale."""
        scale = x.std(axis=0)
        return cls(x.mean(axis=0), np.where(scale > 0, scale, 1.0))

    @classmethod
    def of_pictures(cls, x: Array) -> Standardiser:
        """Return the map under which each channel of training images x [n, c, h, w] has mean 0 and deviation 1.

        One scale a pixel would blow up the noise of an edge that is always black.
        """
        mean, scale = x.mean(axis=(0, 2, 3), keepdims=True)[0], x.std(axis=(0, 2, 3), keepdims=True)[0]
        shape = x.shape[1:]
        return cls(np.broadcast_to(mean, shape), np.broadcast_to(np.where(scale > 0, scale, 1.0), shape))

    @classmethod
    def of_series(cls, x: Array) -> Standardiser:
        """Return the map under which training windows x [n, length] have mean 0 and deviation 1 over all their steps.

        A window may begin at any time, so its steps have one scale: scales by position would differ by chance.
        """
        scale = float(x.std())
        return cls(np.full(x.shape[1:], x.mean()), np.full(x.shape[1:], scale if scale > 0 else 1.0))

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

    @property
    def log_det(self) -> float:
        """Log |det dz/dx| = −Σ log scale, in nats."""
        return -float(np.log(self.scale).sum())
