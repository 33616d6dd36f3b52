"""my_model: a model of scikit-learn, here a Gaussian mixture. Replace what is not yours.

Run it:  genbench run --models my_model,gmm --data moons --plugin my_model.py
Test it: python -m pytest test_my_model.py
"""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from genbench import LogRange, Model, register_model

Array = NDArray[np.float64]


@register_model("my_model", family="my models", likelihood="exact", paper="Dempster et al. 1977")
class MyModel(Model):
    """A mixture of Gaussians, fitted by expectation maximisation."""

    # genbench tune searches components in this range
    def __init__(self, components: Annotated[int, LogRange(2, 50)] = 10) -> None:
        self.components = components  # parameters, stored as given: my_model[components=20]

    def fit(self, x: Array) -> None:  # [n, d], of mean 0 and standard deviation 1
        self.mixture = GaussianMixture(self.components).fit(x)  # no random_state: the engine seeds numpy's generator

    def sample(self, n: int) -> Array:
        points, _ = self.mixture.sample(n)
        return np.random.permutation(points)  # scikit-learn gives one component after the other

    def log_prob(self, x: Array) -> Array:  # in nats, [n]; without it leave out likelihood="exact"
        return np.asarray(self.mixture.score_samples(x))
