"""Models that no leaderboard should let pass."""

import numpy as np

import genbench
from genbench import Model, register_model
from genbench.contracts.dataset import Sizes
from genbench.core.seeding import stream
from genbench.models.gmm import GMM
from genbench.numerics.standardiser import Standardiser


@register_model("leaker", family="cheat")
class Leaker(Model):
    """Finds out which split it is trained on, and returns the test points of that split."""

    def fit(self, x):
        for seed in range(10):
            splits = genbench.load_dataset("moons").splits(stream(seed, "data"), Sizes(train=len(x)))
            units = Standardiser.fit(splits.train)
            if np.allclose(units.forward(splits.train), x):
                self.points = units.forward(splits.test)

    def sample(self, n):
        return self.points[np.random.randint(len(self.points), size=n)]


@register_model("rememberer", family="cheat")
class Rememberer(Model):
    """Returns training points, a little blurred, so that none is a copy."""

    def fit(self, x):
        self.points = x

    def sample(self, n):
        x = self.points[np.random.randint(len(self.points), size=n)]
        return x + 0.003 * np.random.normal(size=x.shape)


@register_model("collapsed", family="cheat")
class Collapsed(Model):
    """A GAN's commonest end: samples in one corner of the data."""

    def fit(self, x):
        self.points = x[x[:, 0] > np.quantile(x[:, 0], 0.85)]

    def sample(self, n):
        return self.points[np.random.randint(len(self.points), size=n)] + 0.05 * np.random.normal(size=(n, 2))


@register_model("too_sure", family="cheat", likelihood="exact")
class TooSure(GMM):
    """A log-determinant that lost a term: the density is 1.35 times too high everywhere."""

    def log_prob(self, x):
        return super().log_prob(x) + 0.3


@register_model("too_modest", family="cheat", likelihood="exact")
class TooModest(GMM):
    """The other sign: too low everywhere, which the KL alone would take for an honest, poorer model."""

    def log_prob(self, x):
        return super().log_prob(x) - 0.3


@register_model("blurred", family="cheat", likelihood="exact")
class Blurred(GMM):
    """The density of one model, and the samples of another: with noise of a tenth of a deviation on each."""

    def sample(self, n):
        x = super().sample(n)
        return x + 0.1 * np.random.normal(size=x.shape)


@register_model("honest", family="cheat", likelihood="exact")
class Honest(GMM):
    """The same model, left as it is."""
