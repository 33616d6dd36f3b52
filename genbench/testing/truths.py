"""Distributions in the plane with known densities, for checks of models and metrics.

They are not registered.
"""

from __future__ import annotations

import numpy as np

from genbench.contracts.dataset import DatasetCard, SyntheticDataset
from genbench.core.types import Array, Labels

__all__ = ["Blobs", "Crescents", "TiltedGaussian"]

LOG_2PI = float(np.log(2 * np.pi))


class TiltedGaussian(SyntheticDataset):
    """A Gaussian with standard deviations 2 and 0.3 along axes at 45°: a correlation of 0.96."""

    shape = (2,)
    deviations = np.array([2.0, 0.3])
    axes = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)  # a row each

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return (self.deviations * rng.standard_normal((len(u), 2))) @ self.axes + 1, None

    def log_density(self, x: Array) -> Array:
        z = ((x - 1) @ self.axes.T) / self.deviations
        return np.asarray(-0.5 * np.square(z).sum(axis=1) - np.log(self.deviations).sum() - LOG_2PI)

    @property
    def entropy(self) -> float:
        return float(1 + LOG_2PI + np.log(self.deviations).sum())


class Crescents(SyntheticDataset):
    """Two Gaussians, bent downwards, one above the other, with half of the points each."""

    shape = (2,)
    classes = 2
    width, bend, thickness = 1.0, 0.6, 0.25
    heights = np.array([-0.9, 0.9])

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        labels = (u < 0.5).astype(np.int64)
        across = self.width * rng.standard_normal(len(u))
        along = self.heights[labels] - self.bend * across**2 + self.thickness * rng.standard_normal(len(u))
        return np.stack([across, along], axis=1), labels

    def log_density(self, x: Array) -> Array:
        off = x[:, 1:] - self.heights + self.bend * x[:, :1] ** 2  # (n, 2), one column a crescent
        log_sum = np.logaddexp.reduce(-0.5 * (off / self.thickness) ** 2, axis=1)
        constant = np.log(2 * self.width * self.thickness) + LOG_2PI
        return np.asarray(log_sum - 0.5 * (x[:, 0] / self.width) ** 2 - constant)


class Blobs(SyntheticDataset):
    """Four round Gaussians at the corners of a square."""

    shape = (2,)
    classes = 4
    modes = np.array([[-2.0, -2.0], [-2.0, 2.0], [2.0, -2.0], [2.0, 2.0]])
    mode_std = 0.5

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        labels = (4 * u).astype(np.int64)
        return self.modes[labels] + self.mode_std * rng.standard_normal((len(u), 2)), labels

    def log_density(self, x: Array) -> Array:
        squared = np.square(x[:, None] - self.modes).sum(axis=2) / self.mode_std**2  # (n, 4)
        log_sum = np.logaddexp.reduce(-0.5 * squared, axis=1)
        return np.asarray(log_sum - np.log(4 * self.mode_std**2) - LOG_2PI)


for _truth in (TiltedGaussian, Crescents, Blobs):
    _truth.card = DatasetCard(_truth.__name__, "truths", _truth)
