"""my_data: a synthetic dataset, here three clusters. Replace what is not yours.

Run it:  genbench run --models cfm,gmm --data my_data --plugin my_data.py
Test it: python -m pytest test_my_data.py
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from genbench import SyntheticDataset, register_dataset

Array = NDArray[np.float64]


@register_dataset("my_data", family="my data")
class MyData(SyntheticDataset):
    """Three round clusters in the corners of a triangle."""

    shape = (2,)  # of a point

    def __init__(self, width: float = 0.3) -> None:
        if width <= 0:
            raise ValueError(f"width={width} must be above 0")
        self.width = width  # parameters, stored as given: my_data[width=0.1]
        angles = 2 * np.pi * np.arange(3) / 3
        self.centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # [3, d]
        self.modes, self.mode_std = self.centres, width  # optional: scores of modes that are missed

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
        # Which cluster a point is of must follow from u in [0, 1): even u then give even clusters.
        labels = (3 * u).astype(np.int64)
        return self.centres[labels] + self.width * rng.normal(size=(len(u), 2)), labels  # None without labels

    def log_density(self, x: Array) -> Array:  # in nats, [n]; leave it out if unknown: KL is then not scored
        squares = ((x[:, None] - self.centres) ** 2).sum(axis=2)  # [n, 3]
        return np.asarray(logsumexp(-squares / (2 * self.width**2), axis=1) - np.log(3 * 2 * np.pi * self.width**2))

    # A property `entropy`, in nats, is shown.
