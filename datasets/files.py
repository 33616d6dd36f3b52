"""Folders of images, and what a run was given in Python and keeps in files of its own."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from genbench.contracts.dataset import RecordedDataset, register_dataset
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Labels
from genbench.datasets.images import GreyImages
from genbench.datasets.series import OwnSeries
from genbench.datasets.tables import Table
from genbench.reading.image_folder import read_images
from genbench.reading.in_hand import FEWEST, SUFFIXES, digest, read_held

__all__ = ["HeldImages", "HeldSeries", "HeldTable", "ImageFolder"]

HELD = "an array of yours"


class OwnImages(GreyImages):
    """Images of the user's own, of 256 levels. A subclass sets what is annotated here."""

    levels = 256
    path: str
    recorded: NDArray[np.uint8]  # [n, *shape]
    labels: Labels | None

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return self.values(self.recorded, rng.spawn(1)[0]), self.labels  # whatever the noise, the splits are the same

    def training_levels(self, seed: int) -> NDArray[np.uint8]:
        return self.recorded[self.partition(seed)[1][0]]


@register_dataset("image_folder", family="images", kind="image", source="a folder of yours", variant=True, reads=("/",))
class ImageFolder(OwnImages):
    """Images of your own: a folder of them, or of one folder for each class. Labels: the class.

    Args:
        path: the folder.
        size: pixels along a side that images are made to have: cut to the square in their middle and resampled. All
            are of one size unless given.
        channels: 1 for grey, 3 for colours; grey only if all images are unless given.
        dequantise: add uniform noise of one grey level, so that there is a density.
        levels: 2 for black and white: a pixel is 1 with its grey as probability. By default all 256.

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
        super().__init__(dequantise, levels)
        self.path, self.size, self.channels = path, size, channels
        found = read_images(path, size, channels)
        self.recorded, self.labels = found.levels, found.labels
        n, self.shape = len(found.levels), found.levels.shape[1:]
        if n < FEWEST:
            raise GenbenchError(f"{path} has {n} images, too few to split; give at least {FEWEST}")
        self.classes = len(found.classes) or None
        names = f", with labels of {len(found.classes)} classes ({', '.join(found.classes[:10])})" * bool(found.classes)
        self.understood = f"{n:,} images of {'×'.join(map(str, self.shape))}{names}"

    def fingerprint(self) -> str:
        """Return the SHA-256 of all levels and labels."""
        labels = b"" if self.labels is None else self.labels.tobytes()
        return hashlib.sha256(self.recorded.tobytes() + labels).hexdigest()


@register_dataset("held_table", family="in hand", kind="table", source=HELD, variant=True, reads=(SUFFIXES["table"],))
class HeldTable(Table):
    """A table [n, d] that a run was given in Python. Labels: as they were given."""

    def __init__(self, path: str, dequantise: bool = True) -> None:
        super().__init__(dequantise)
        self.path, self.held = path, read_held(path)
        self.shape = self.held["x"].shape[1:]
        self.classes = len(self.held["classes"]) if "classes" in self.held else None
        constant = np.flatnonzero(np.ptp(self.held["x"], axis=0) == 0)
        if constant.size:
            names = self.held.get("columns", np.arange(1, self.shape[0] + 1))
            raise GenbenchError(f"column '{names[constant[0]]}' is constant, so it has no density; drop it")

    def rows(self) -> tuple[Array, Labels | None]:
        return self.held["x"], self.held.get("labels")

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays."""
        return digest(self.held)


@register_dataset("held_images", family="in hand", kind="image", source=HELD, variant=True, reads=(SUFFIXES["image"],))
class HeldImages(OwnImages):
    """Images [n, c, h, w] of 256 levels that a run was given in Python. Labels: as they were given.

    Args:
        path: the file.
        dequantise: add uniform noise of one grey level, so that there is a density.
    """

    def __init__(self, path: str, dequantise: bool = True, levels: int | None = None) -> None:
        super().__init__(dequantise, levels)
        self.path, self.held = path, read_held(path)
        self.recorded, self.labels = self.held["x"], self.held.get("labels")
        self.shape = self.recorded.shape[1:]
        self.classes = len(self.held["classes"]) if "classes" in self.held else None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays."""
        return digest(self.held)


@register_dataset(
    "held_real_images", family="in hand", kind="image", source=HELD, variant=True, reads=(SUFFIXES["real"],)
)
class HeldRealImages(RecordedDataset):
    """Images [n, c, h, w] of real values in [0, 1] that a run was given in Python. Labels: as they were given."""

    def __init__(self, path: str) -> None:
        self.path, self.held = path, read_held(path)
        self.shape = self.held["x"].shape[1:]
        self.classes = len(self.held["classes"]) if "classes" in self.held else None

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return self.held["x"], self.held.get("labels")

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays."""
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

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays."""
        return digest(self.held)
