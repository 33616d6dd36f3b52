"""Models with declared ranges, whose best values are known, and data whose test split raises when it is looked at."""

from typing import Annotated

import numpy as np

from genbench import Choices, LogRange, Model, Range, RecordedDataset, register_dataset, register_model


@register_model("stretched", family="tests", likelihood="exact")
class Stretched(Model):
    """A normal distribution of one standard deviation: of data with deviation 1, the best one is 1."""

    def __init__(
        self,
        scale: Annotated[float, LogRange(0.25, 16)] = 8.0,
        shift: Annotated[int, Range(0, 3)] = 0,
        way: Annotated[str, Choices("right", "wrong")] = "right",
        fixed: int = 1,
    ):
        if way == "wrong" and shift == 3:
            raise ValueError("the wrong way is no way for a shift of 3")
        self.scale, self.shift, self.way, self.fixed = scale, shift, way, fixed

    def fit(self, x):
        if self.way == "wrong":
            raise RuntimeError("went the wrong way")
        self.d = x.shape[1]

    def sample(self, n):
        return self.shift + self.scale * np.random.normal(size=(n, self.d))

    def log_prob(self, x):
        z = (x - self.shift) / self.scale
        return (-0.5 * z**2 - np.log(self.scale * np.sqrt(2 * np.pi))).sum(axis=1)


@register_model("blind", family="tests")
class Blind(Stretched):
    """The same, without a density."""


@register_model("plain", family="tests")
class Plain(Model):
    """A model that declares nothing."""

    def __init__(self, scale: float = 1.0):
        self.scale = scale

    def fit(self, x):
        self.d = x.shape[1]

    def sample(self, n):
        return self.scale * np.random.normal(size=(n, self.d))


class SealedSplits:
    train_labels = validation_labels = None

    def __init__(self, rng):
        self.train, self.validation = rng.normal(5, 2, size=(400, 2)), rng.normal(5, 2, size=(200, 2))

    @property
    def test(self):
        raise RuntimeError("the test split was looked at")


@register_dataset("sealed", family="tests", kind="table")
class Sealed(RecordedDataset):
    """Gaussian points, sealed."""

    shape = (2,)

    def splits(self, seed, sizes=None):
        return SealedSplits(np.random.default_rng(seed))


@register_dataset("unheld", family="tests", kind="table")
class Unheld(Sealed):
    """Points of which none are held out."""

    def splits(self, seed, sizes=None):
        found = SealedSplits(np.random.default_rng(seed))
        found.validation = found.validation[:0]
        return found
