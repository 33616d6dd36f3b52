"""A dataset and a model in one file, quick enough for tests of the engine."""

import numpy as np

from genbench import Model, SyntheticDataset, register_dataset, register_model


@register_dataset("blob", family="tests")
class Blob(SyntheticDataset):
    """A round Gaussian around (shift, 0)."""

    shape = (2,)

    def __init__(self, shift: float = 1.0):
        self.shift = shift

    def draw(self, u, rng):
        angle, radius = 2 * np.pi * u, np.sqrt(2 * rng.exponential(size=len(u)))
        return np.stack([radius * np.cos(angle) + self.shift, radius * np.sin(angle)], axis=1), None

    def log_density(self, x):
        return -0.5 * ((x - [self.shift, 0]) ** 2).sum(axis=1) - np.log(2 * np.pi)

    @property
    def entropy(self):
        return 1 + np.log(2 * np.pi)


@register_model("standard_normal", family="tests", likelihood="exact")
class StandardNormal(Model):
    """Ignores the data but for their mean and scale, which the engine keeps."""

    def __init__(self, width: float = 1.0, offset: float = 0.0):
        if width <= 0:
            raise ValueError(f"width={width} must be positive")
        self.width, self.offset = width, offset

    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return self.offset + self.width * np.random.standard_normal((n, self.d))

    def log_prob(self, x):
        z = (x - self.offset) / self.width
        return -0.5 * (z**2).sum(axis=1) - self.d * np.log(self.width * np.sqrt(2 * np.pi))
