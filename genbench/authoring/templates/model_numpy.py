"""my_model: a model in numpy, here a kernel density. Replace what is not yours.

Run it:  genbench run --models my_model,kde --data moons --plugin my_model.py
Test it: python -m pytest test_my_model.py
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from genbench import LogRange, Model, register_model

Array = NDArray[np.float64]


@register_model("my_model", family="my models", likelihood="exact", paper="Parzen 1962")
class MyModel(Model):
    """A Gaussian around each of some training points."""

    # genbench tune searches points in this range
    def __init__(self, points: Annotated[int, LogRange(200, 20_000)] = 2_000) -> None:
        self.points = points  # parameters, stored as given: my_model[points=500]

    def fit(self, x: Array) -> None:  # [n, d], of mean 0 and standard deviation 1
        self.centres = np.random.permutation(x)[: self.points]  # numpy's own generator: the engine seeds it
        n, d = self.centres.shape
        self.width = n ** (-1 / (d + 4))  # Scott's rule

    def sample(self, n: int) -> Array:
        chosen = self.centres[np.random.randint(len(self.centres), size=n)]
        return chosen + self.width * np.random.normal(size=chosen.shape)

    def log_prob(self, x: Array) -> Array:  # in nats, [n]; without it leave out likelihood="exact"
        n, d = self.centres.shape
        exponents = -cdist(x, self.centres, "sqeuclidean") / (2 * self.width**2)  # [len(x), n]
        return np.asarray(logsumexp(exponents, axis=1) - np.log(n) - d / 2 * np.log(2 * np.pi * self.width**2))
