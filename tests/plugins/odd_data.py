"""Small data of the kinds that figures trip over, and a model with a name of many signs."""

import numpy as np

from genbench import Model, RecordedDataset, register_dataset, register_model
from genbench.series import RecordedSeries

X = np.random.default_rng(0).normal(size=(150, 2))


def spiked(far):
    x = X.copy()
    x[[3, 40, 77, 101]] = far
    return x


POINTS = {
    "one_coordinate": X[:, :1],
    "one_spike": spiked(1e5)[:, :1],
    "spikes": spiked(1e20),
    "julian": 2460311.6 + X * [1, 3],
    "constant_column": X * [1, 0] + 0.1,
    "ten": X[:10],
    "stretched": X * [1, 1e6],
}
for name, points in POINTS.items():
    facts = {"shape": points.shape[1:], "__doc__": name, "load": lambda self, rng, x=points: (x, None)}
    register_dataset(name, family="tests")(type(name, (RecordedDataset,), facts))


@register_dataset("halves", family="tests", kind="table")
class Halves(RecordedDataset):
    """Two recorded classes in the plane."""

    shape, classes = (2,), 2

    def load(self, rng):
        labels = np.repeat([0, 1], 75)
        return X + 3 * labels[:, None], labels


@register_dataset("at_path", family="tests")
class AtPath(RecordedDataset):
    """Points that are said to lie in a file."""

    shape = (2,)

    def __init__(self, path: str = ""):
        self.path = path

    def load(self, rng):
        return X, None


@register_dataset("one_reading", family="tests", kind="series")
class OneReading(RecordedSeries):
    """White noise with one reading of 1e5 in the part that is forecast."""

    def __init__(self, length: int = 4, dequantise: bool = False) -> None:
        super().__init__(length, dequantise)

    def record(self):
        x = np.tile(X[:, 0], 4)
        x[540] = 1e5
        return x


@register_model("cost_$a_modèle_of_$b", family="tests", likelihood="exact")
class Priced(Model):
    """A normal distribution."""

    def __init__(self, first_parameter: float = 1.0, second_parameter: float = 1.0, third: str = "noise"):
        self.first_parameter, self.second_parameter, self.third = first_parameter, second_parameter, third

    def fit(self, x):
        self.shape = x.shape[1:]

    def sample(self, n):
        return self.first_parameter * np.random.normal(size=(n, *self.shape))

    def log_prob(self, x):
        z = (x / self.first_parameter).reshape(len(x), -1)
        return -0.5 * (z**2).sum(axis=1) - z.shape[1] * np.log(self.first_parameter * np.sqrt(2 * np.pi))
