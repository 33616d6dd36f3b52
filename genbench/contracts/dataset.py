"""The contract of a dataset: splits for a data seed and, if synthetic, the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from genbench.core.cards import Card
from genbench.core.errors import ContractError, GenbenchError
from genbench.core.notebook_views import NotebookView
from genbench.core.registry import REGISTRY, Group
from genbench.core.seeding import generator, isolated
from genbench.core.types import KINDS, Array, Labels

__all__ = [
    "DATASETS",
    "Array",
    "Dataset",
    "DatasetCard",
    "Sizes",
    "Splits",
    "SyntheticDataset",
    "register_dataset",
]


STEP = 1e-5  # of differences, in standard deviations; chosen by hand, see `SyntheticDataset.score`

D = TypeVar("D", bound="type[Dataset]")


@dataclass(frozen=True)
class DatasetCard(Card):
    """What the registry knows about a dataset."""

    kind: str = "points"
    source: str = ""
    variant: bool = False
    reads: tuple[str, ...] = ()
    tests: str = ""


DATASETS: Group[DatasetCard] = REGISTRY["datasets"]


def register_dataset(
    name: str,
    *,
    family: str,
    kind: str = "points",
    source: str = "",
    variant: bool = False,
    reads: tuple[str, ...] = (),
    tests: str = "",
) -> Callable[[D], D]:
    """Register a dataset class under `name`.

    `kind` is one of "points", "table", "image", "series".

    Args:
        variant: whether `all` leaves it out, because it needs a file, a download or another library.
        reads: endings of the files that its parameter `path` accepts, as ".csv", or "/" for a folder. Such a path
            selects the dataset without its name. Where several datasets read an ending, the class decides whose method
            `recognises(file: Path) -> bool` says yes.
        tests: the property that makes it hard, in one or two words, as "tails". The profile of a model has one axis for
            each.
    """
    if kind not in KINDS:
        raise ContractError(f"dataset '{name}' has kind '{kind}'; write one of {', '.join(KINDS)}")

    def wrap(cls: D) -> D:
        card = DatasetCard(
            name, family, cls, kind=kind, source=source, variant=variant, reads=tuple(reads), tests=tests
        )
        DATASETS.add(card)
        return cls

    return wrap


@dataclass(frozen=True)
class Sizes:
    """The numbers of points in the splits of a synthetic dataset."""

    train: int = 20_000
    validation: int = 5_000
    test: int = 10_000


@dataclass(frozen=True)
class Splits:
    """Train, validation and test points, each [n, *shape] float64.

    Labels [n] are given where the dataset has them.
    """

    train: Array
    validation: Array
    test: Array
    train_labels: Labels | None = None
    validation_labels: Labels | None = None
    test_labels: Labels | None = None


class Dataset(NotebookView):
    """A distribution over arrays of one shape.

    The constructor takes only parameters and stores them unchanged. It raises ValueError with a reason if a value is
    out of range. `task_targets` may say what the labels are ("classes"), and `classes` how many there are.
    """

    card: ClassVar[DatasetCard]
    shape: tuple[int, ...]
    classes: int | None = None
    levels: int | None = None  # grey levels of an image, which are the whole part of levels · x for x in [0, 1]
    modes: Array | None = None  # [k, d], centres of the modes, where the density has well-separated ones
    mode_std: float | None = None  # standard deviation of a mode along each axis

    @property
    def kind(self) -> str:
        """The kind of data: one of "points", "table", "image", "series"."""
        return self.card.kind

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on how a user's file was read.

        They are printed before a run and kept in its record.
        """
        return ()

    @property
    def has_density(self) -> bool:
        """Whether log p(x) is known; see `SyntheticDataset`."""
        return False

    @property
    def traits(self) -> dict[str, Any]:
        """Facts about the data for models: arguments of `Estimator.fit`."""
        return {"kind": self.kind, "levels": self.levels, "classes": self.classes}

    @property
    def precision(self) -> type[np.floating]:
        """The type in which samples are stored: float32 for images, float64 for numbers.

        Numbers may be time stamps in milliseconds, which float32 cannot hold.
        """
        return np.float32 if self.kind == "image" else np.float64

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return the train, validation and test points of a data seed."""
        raise NotImplementedError

    def redraw(self, seed: int, epoch: int) -> NDArray[np.floating] | None:
        """Return the training points of a seed [n, *shape] with the noise of epoch 1, 2, ….

        None if the dataset adds no noise to the points, such as dequantisation noise. The order is that of
        `splits(seed).train`, which are the points of epoch 0.
        """
        return None

    def reference(self, n: int, seed: int) -> Array:
        """Return up to `n` evaluation points [n, *shape] that are not used for training."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """Return a text that identifies the data, such as the checksum of a file.

        Parameters and this file's source need not be part of it.
        """
        return ""


class SyntheticDataset(Dataset):
    """A distribution with a known sampler and, where possible, known density and entropy.

    A subclass defines `draw`; a simulator defines nothing else. `log_density` makes scores available that need the true
    density, such as KL; `entropy` is shown. `draw` receives positions u in [0, 1). The mode, or the place along a
    curve, must be a function of u, so that evenly spaced u give a stratified sample. That halves the sampling noise of
    an evaluation reference.
    """

    thin: ClassVar[str] = ""  # the parameter that is the width of its support, where this is thin
    grows_with: ClassVar[str] = "dim"  # the parameter that the number of coordinates is proportional to, if it has it
    smooth: bool = True  # whether the density has a gradient everywhere and is 0 at the ends of its support

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        """Return a point [n, *shape] for each position u [n], and its label [n], if any."""
        raise NotImplementedError

    def log_density(self, x: Array) -> Array:
        """Return log p(x) in nats, [n], for points x [n, *shape].

        A subclass that does not define it, or raises the error below, has no density.

        Raises:
            NotImplementedError: the density is not known.
        """
        raise NotImplementedError

    @property
    def entropy(self) -> float:
        """The differential entropy in nats.

        Raises:
            NotImplementedError: the entropy is not known.
        """
        raise NotImplementedError

    @cached_property
    def has_density(self) -> bool:
        """Whether log p(x) is known.

        It is if `log_density` is defined and does not raise NotImplementedError at a draw.
        """
        if not self.writes("log_density") and not self.writes("log_prob"):
            return False
        try:
            with isolated(0):
                self.log_prob(self.sample(1))
        except NotImplementedError:
            return False
        except Exception:  # a fault of the plugin; whoever needs the density meets it, and names it
            return True
        return True

    def writes(self, method: str) -> bool:
        """Whether the dataset's class defines an optional method itself.

        The base classes in `genbench.contracts` only declare these methods.
        """
        home = next(cls for cls in type(self).__mro__ if method in vars(cls))
        return not home.__module__.startswith("genbench.contracts.")

    @property
    def has_score(self) -> bool:
        """Whether ∇ log p(x) is known: the density is known and smooth."""
        return self.smooth and self.has_density

    def score(self, x: Array) -> Array:
        """Return ∇ log p(x) [n, *shape] at points x [n, *shape], by central differences.

        The step is 10⁻⁵ of a coordinate's standard deviation, so that errors of rounding and of curvature are about
        10⁻⁹ of log p and of its third derivative. A subclass may give the closed form. The result is not finite outside
        the support.
        """
        d = math.prod(self.shape)
        steps = STEP * self._spread
        flat, slopes = x.reshape(len(x), d), np.empty((len(x), d))
        for i in range(d):
            there, back = flat.copy(), flat.copy()
            there[:, i] += steps[i]
            back[:, i] -= steps[i]
            ends = (self.log_prob(moved.reshape(x.shape)) for moved in (there, back))
            with np.errstate(invalid="ignore"):  # −∞ on both sides
                slopes[:, i] = np.subtract(*ends) / (there[:, i] - back[:, i])
        return slopes.reshape(x.shape)

    @cached_property
    def _spread(self) -> Array:
        """Half the width of the middle two thirds of each coordinate [d]: finite where there is no variance."""
        low, high = np.quantile(self.sample(1_000).reshape(1_000, -1), [1 / 6, 5 / 6], axis=0)
        return np.asarray((high - low) / 2)

    def log_joint(self, x: Array) -> Array:
        """Return log p(x, y) in nats of every label y, [n, classes], for x [n, *shape].

        The best possible classifier follows from it. The sum of p(x, y) over the labels is the density.

        Raises:
            NotImplementedError: the dataset does not know it.
        """
        raise NotImplementedError

    def sample(self, n: int, seed: int = 0) -> Array:
        """Return `n` independent draws [n, *shape]."""
        return self.labelled_sample(n, seed)[0]

    def labelled_sample(self, n: int, seed: int = 0) -> tuple[Array, Labels | None]:
        """Return `n` independent draws [n, *shape] and their labels [n], or None."""
        if n < 0:
            raise GenbenchError(f"cannot draw {n} points from {self.card.name}; ask for 0 or more")
        rng = generator(seed, "sample")
        return self._drawn(rng.random(n), rng)

    def log_prob(self, x: Any) -> Array:
        """Return the exact log-density of points x [n, *shape] in nats, [n] float64.

        It is −inf outside the support.

        Raises:
            GenbenchError: x has another shape.
            NotImplementedError: the density is not known, see `has_density`.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.shape[1:] != self.shape or x.ndim != len(self.shape) + 1:
            raise GenbenchError(
                f"{self.card.name} has points of shape {self.shape}, got an array {x.shape}; pass [n, *shape]"
            )
        if not self.writes("log_density"):
            raise NotImplementedError(f"the density of {self.card.name} is not known: it writes no log_density")
        return self.log_density(x)

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return independent draws for train, validation and test."""
        parts = [
            self._drawn(rng.random(n), rng)
            for rng, n in (
                (generator(seed, "train"), sizes.train),
                (generator(seed, "validation"), sizes.validation),
                (generator(seed, "test"), sizes.test),
            )
        ]
        (train, a), (validation, b), (test, c) = parts
        return Splits(train, validation, test, a, b, c)

    def reference(self, n: int, seed: int) -> Array:
        """Return `n` points [n, *shape] stratified over modes or curve position.

        Their order is random.
        """
        rng = generator(seed, "reference")
        return self._drawn((rng.permutation(n) + rng.random(n)) / n, rng)[0]

    def _drawn(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        """Return what `draw` gives, checked."""
        _check_draw(self, len(u), drawn := self.draw(u, rng))
        return drawn


def _check_draw(dataset: SyntheticDataset, n: int, drawn: Any) -> None:
    """Refuse what is not points [n, *shape] and labels [n], or None for those."""
    name = dataset.card.name if hasattr(dataset, "card") else type(dataset).__name__
    due = f"points {(n, *dataset.shape)} and labels ({n},), or None for these"
    if not (isinstance(drawn, tuple) and len(drawn) == 2):
        raise ContractError(f"draw of {name} returned {type(drawn).__name__}; it must return a pair: {due}")
    shapes = [np.shape(part) for part in drawn if part is not None]
    if shapes[:1] != [(n, *dataset.shape)] or shapes[1:] not in ([], [(n,)]):
        raise ContractError(f"draw of {name} returned arrays {' and '.join(map(str, shapes))}; it must return {due}")
