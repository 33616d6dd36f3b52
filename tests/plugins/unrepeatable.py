"""Models whose samples or densities are no functions of the seed or of the point, and honest twins of them."""

import numpy as np

from genbench import Model, register_model


class _Normal(Model):
    """N(0, I) in standardised units."""

    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return np.random.standard_normal((n, self.d))

    def log_prob(self, x):
        return -0.5 * (x**2).sum(axis=1) - 0.5 * self.d * np.log(2 * np.pi)


@register_model("fine", family="unrepeatable", likelihood="exact")
class Fine(_Normal):
    """The honest one."""


@register_model("fine_bound", family="unrepeatable", likelihood="bound")
class FineBound(_Normal):
    """A bound with noise of the global generator, as a VAE's."""

    def log_prob(self, x):
        return super().log_prob(x) - np.random.exponential(size=len(x))


@register_model("coin", family="unrepeatable")
class Coin(_Normal):
    """A rare event: a few samples of it are often alike, by chance."""

    def sample(self, n):
        return np.tile(np.random.random((n, 1)) < 0.01, self.d).astype(float)


@register_model("counts", family="unrepeatable")
class Counts(_Normal):
    """Keeps a count of its calls and the last batch, neither of which has a say."""

    calls = 0

    def sample(self, n):
        self.calls, self.last = self.calls + 1, super().sample(n)
        return self.last


@register_model("own_generator", family="unrepeatable")
class OwnGenerator(_Normal):
    """Draws from a generator that nobody seeds; a little of it is enough."""

    def sample(self, n):
        return super().sample(n) + 0.01 * np.random.default_rng().standard_normal((n, self.d))


@register_model("reseeds", family="unrepeatable")
class Reseeds(_Normal):
    """Seeds the global generator itself, as `random_state=0` does."""

    def sample(self, n):
        np.random.seed(0)
        return super().sample(n)


@register_model("cached", family="unrepeatable")
class Cached(_Normal):
    """Returns the first of an array that it drew while it was fitted."""

    def fit(self, x):
        super().fit(x)
        self.drawn = np.random.standard_normal((100_000, self.d))

    def sample(self, n):
        return self.drawn[:n]


@register_model("over_the_batch", family="unrepeatable", likelihood="exact")
class OverTheBatch(_Normal):
    """Normalises the density over the points that it is asked for."""

    def log_prob(self, x):
        log_p = super().log_prob(x)
        return log_p - np.log(np.exp(log_p).mean())


@register_model("batch_statistics", family="unrepeatable", likelihood="exact")
class BatchStatistics(_Normal):
    """Standardises each batch by itself, as a batch norm in training mode does."""

    def log_prob(self, x):
        return super().log_prob((x - x.mean(axis=0)) / x.std(axis=0)) - np.log(x.std(axis=0)).sum()


@register_model("noisy_density", family="unrepeatable", likelihood="exact")
class NoisyDensity(_Normal):
    """Says that it is exact, and adds noise of the global generator."""

    def log_prob(self, x):
        return super().log_prob(x) + 0.1 * np.random.standard_normal(len(x))


@register_model("own_noise", family="unrepeatable", likelihood="estimate")
class OwnNoise(_Normal):
    """An estimate whose noise nobody can repeat."""

    def log_prob(self, x):
        return super().log_prob(x) + 0.1 * np.random.default_rng().standard_normal(len(x))


@register_model("box", family="unrepeatable", likelihood="exact")
class Box(_Normal):
    """Uniform in a square that holds half of the points: the others have density 0."""

    def sample(self, n):
        return np.random.uniform(-1, 1, (n, self.d))

    def log_prob(self, x):
        with np.errstate(divide="ignore"):
            return np.log((np.abs(x) <= 1).all(axis=1).astype(float)) - self.d * np.log(2)


@register_model("spike", family="unrepeatable", likelihood="exact")
class Spike(_Normal):
    """A density that is infinite on one side of the plane."""

    def log_prob(self, x):
        return np.where(x[:, 0] > 0, np.inf, super().log_prob(x))
