"""Folders of images, and data that a run was given in Python and keeps in files."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from genbench.contracts.dataset import register_dataset
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Labels
from genbench.datasets.images import GreyImages
from genbench.datasets.series import OwnSeries
from genbench.datasets.tables import Table
from genbench.reading.image_folder import read_images
from genbench.reading.in_hand import FEWEST, SUFFIXES, digest, read_held

__all__ = ["HeldImages", "HeldRealImages", "HeldSeries", "HeldTable", "ImageFolder"]

HELD = "data of yours"
SHOWN = 8  # names of classes in a note; by hand: a line


class OwnImages(GreyImages):
    """Images of the user.

    Args:
        recorded: grey levels [n, c, h, w], from 0 to count − 1.
        labels: classes [n] or None, and the names of the classes.
        dequantise, levels: as for `GreyImages`.
    """

    def __init__(
        self,
        recorded: NDArray[np.uint8],
        count: int,
        labels: tuple[Labels | None, tuple[str, ...]],
        dequantise: bool,
        levels: int | None,
    ) -> None:
        self.count = count
        super().__init__(dequantise, levels)
        self.pixels, self.shape = recorded, recorded.shape[1:]
        self.labels, self.names = labels
        self.classes = len(self.names) or None

    @property
    def own_levels(self) -> int:
        return self.count

    @property
    def notes(self) -> tuple[str, ...]:
        top = int(self.pixels.max())
        dark = f"; the highest level is {top}" if top < self.count // 2 else ""
        text = f"{len(self.pixels):,} images of {_size(self.shape)}, {self.count} levels{dark}{_classes(self.names)}"
        return (text,)

    def recorded(self) -> NDArray[np.uint8]:
        return self.pixels

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return self.values(self.pixels, rng.spawn(1)[0]), self.labels  # whatever the noise, the splits are the same

    def training_levels(self, seed: int) -> NDArray[np.uint8]:
        return self.pixels[self.partition(seed)[1][0]]


@register_dataset("image_folder", family="images", kind="image", source="a folder of yours", variant=True, reads=("/",))
class ImageFolder(OwnImages):
    """Images of your own: in one folder, or in one folder for each class. Labels: the class.

    Args:
        path: the folder.
        size: pixels along a side. Images are cut to the square in their middle and resampled to this size. Unless
            given, all images must have one size.
        channels: 1 for grey, 3 for colours. Unless given, it is 1 if all images are grey, and otherwise 3.
        dequantise: whether to add uniform noise of one grey level, so that there is a density.
        levels: 2 for black and white: a pixel is 1 with its grey value as probability. By default all 256.

    Raises:
        GenbenchError: there are fewer than 10 images, one cannot be read, or sizes differ.
    """

    def __init__(
        self,
        path: str,
        size: Annotated[int, Interval(ge=2, le=1024)] | None = None,
        channels: Literal[1, 3] | None = None,
        dequantise: bool = True,
        levels: int | None = None,
    ) -> None:
        self.path, self.size, self.channels = path, size, channels
        found = read_images(path, size, channels)
        if len(found.levels) < FEWEST:
            raise GenbenchError(f"{path} has {len(found.levels)} images, too few to split; give at least {FEWEST}")
        super().__init__(found.levels, 256, (found.labels, found.classes), dequantise, levels)

    def fingerprint(self) -> str:
        """Return the SHA-256 of all levels and labels; the packing of files does not matter."""
        labels = b"" if self.labels is None else self.labels.tobytes()
        return hashlib.sha256(self.pixels.tobytes() + labels).hexdigest()


@register_dataset("held_table", family="in hand", kind="table", source=HELD, variant=True, reads=(SUFFIXES["table"],))
class HeldTable(Table):
    """A table [n, d] that a run was given in Python. Labels: as they were given."""

    def __init__(self, path: str, dequantise: bool = True) -> None:
        super().__init__(dequantise)
        self.path, self.held = path, read_held(path)
        self.shape, self.names = self.held["x"].shape[1:], _names(self.held)
        self.classes = len(self.names) or None

    @property
    def notes(self) -> tuple[str, ...]:
        n, d = self.held["x"].shape
        return (f"a table of {n:,} rows and {d} {'column' if d == 1 else 'columns'}{_classes(self.names)}",)

    def rows(self) -> tuple[Array, Labels | None]:
        return self.held["x"], self.held.get("labels")

    def fingerprint(self) -> str:
        """Return the SHA-256 of the points and labels."""
        return digest(self.held)


@register_dataset("held_images", family="in hand", kind="image", source=HELD, variant=True, reads=(SUFFIXES["image"],))
class HeldImages(OwnImages):
    """Images [n, c, h, w] of grey levels, given to a run in Python. Labels: as given.

    Args:
        path: the file.
        dequantise: whether to add uniform noise of one grey level, so that there is a density.
        levels: 2 for black and white: a pixel is 1 with its grey value as probability. By default all levels.
    """

    def __init__(self, path: str, dequantise: bool = True, levels: int | None = None) -> None:
        self.path, self.held = path, read_held(path)
        labels = self.held.get("labels"), _names(self.held)
        super().__init__(self.held["x"], int(self.held["levels"]), labels, dequantise, levels)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the levels and labels."""
        return digest(self.held)


@register_dataset(
    "held_real_images", family="in hand", kind="image", source=HELD, variant=True, reads=(SUFFIXES["real"],)
)
class HeldRealImages(RecordedDataset):
    """Images [n, c, h, w] of real values in [0, 1], given to a run in Python.

    Labels: as given.
    """

    def __init__(self, path: str) -> None:
        self.path, self.held = path, read_held(path)
        self.shape, self.names = self.held["x"].shape[1:], _names(self.held)
        self.classes = len(self.names) or None

    @property
    def notes(self) -> tuple[str, ...]:
        n = len(self.held["x"])
        return (f"{n:,} images of {_size(self.shape)}, real values in [0, 1]{_classes(self.names)}",)

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return self.held["x"], self.held.get("labels")

    def fingerprint(self) -> str:
        """Return the SHA-256 of the points and labels."""
        return digest(self.held)


@register_dataset(
    "held_series", family="in hand", kind="series", source=HELD, variant=True, reads=(SUFFIXES["series"],)
)
class HeldSeries(OwnSeries):
    """A series [n] that a run was given in Python."""

    def __init__(self, path: str, length: int = 12, dequantise: bool = True, log: bool = False) -> None:
        self.path, self.held = path, read_held(path)
        self.values = self.held["x"]
        super().__init__(length, dequantise, log)

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"a series of {len(self.values):,} values{self.held['steps']}",)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the values."""
        return digest(self.held)


def _names(held: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    """Return what the classes of data in hand are called; empty where they have none."""
    return tuple(map(str, held["classes"])) if "classes" in held else ()


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _classes(names: tuple[str, ...]) -> str:
    """Return how many classes there are, and which label each has, for the end of a note."""
    if not names:
        return ""
    numbered = names == tuple(map(str, range(len(names))))
    words = [name if numbered else f"{name} is {k}" for k, name in enumerate(names[:SHOWN])]
    return f"; {len(names)} classes: {', '.join(words)}{', …' if len(names) > SHOWN else ''}"
