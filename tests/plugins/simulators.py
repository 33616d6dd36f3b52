"""Datasets that can be drawn and whose density is not known, each in another way."""

from genbench import SyntheticDataset, register_dataset
from genbench.series import SyntheticSeries


@register_dataset("walk_ends", family="tests")
class WalkEnds(SyntheticDataset):
    """Where walks of 16 steps in the plane end, of two classes; only `draw` is written."""

    shape, classes = (2,), 2

    def draw(self, u, rng):
        labels = (u > 0.5).astype(int)
        return rng.normal(size=(len(u), 16, 2)).sum(axis=1) / 4 + 3 * labels[:, None], labels


@register_dataset("refuses", family="tests")
class Refuses(SyntheticDataset):
    """A `log_density` that says that it does not know, and an entropy."""

    shape, entropy = (3,), 4.2

    def draw(self, u, rng):
        return rng.normal(size=(len(u), 3)), None

    def log_density(self, x):
        raise NotImplementedError("the integral has no closed form")


@register_dataset("walks", family="tests", kind="series")
class Walks(SyntheticSeries):
    """Windows of random walks, which cannot be forecast: there is no `path`."""

    shape, length = (4,), 4

    def draw(self, u, rng):
        return rng.normal(size=(len(u), 4)).cumsum(axis=1), None


@register_dataset("pairless", family="tests")
class Pairless(SyntheticDataset):
    """`draw` forgets the labels."""

    shape = (2,)

    def draw(self, u, rng):
        return rng.normal(size=(len(u), 2))
