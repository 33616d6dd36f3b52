"""Real images: handwritten digits, clothes and the ten classes of CIFAR-10.

Grey levels are whole numbers, so their distribution has no density. With uniform noise of one level (Theis et al. 2016)
it has one, whose log-likelihood is a bound for that of the levels.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Sizes, Splits, register_dataset
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.core.downloads import DataFile, DataFiles
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator
from genbench.core.types import Array, Labels, Natural

__all__ = ["CIFAR10", "MNIST", "Digits", "FashionMNIST", "binarise", "grey"]

Bytes = NDArray[np.uint8]
Pictures = tuple[Bytes, Bytes]
MARGIN = 2.0**-15  # of a level, kept free at its ends: in float32, too, the whole part of count · x is the level


def grey(levels: NDArray[np.integer], count: int, rng: np.random.Generator | None, single: bool = False) -> Any:
    """Return levels k of 0 … count − 1 as numbers in [0, 1], float64 or, if `single`, float32.

    They become (k + u) / count with u ~ U[0, 1) from `rng`, of which the whole part of count · x is k again; without
    `rng`, k / (count − 1).
    """
    dtype: Any = np.float32 if single else np.float64
    if rng is None:
        return levels.astype(dtype) / (count - 1)
    x = rng.random(levels.shape, dtype)  # in place: images are large
    np.clip(x, MARGIN, 1 - MARGIN, out=x)
    x += levels
    x /= count
    return x


def binarise(levels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Bytes:
    """Return bits that are 1 with probability k / (count − 1) for levels k.

    See Salakhutdinov & Murray (2008).
    """
    return (rng.random(levels.shape, np.float32) * np.float32(count - 1) < levels).astype(np.uint8)


class GreyImages(RecordedDataset):
    """Images with grey levels, dequantised or not, with all levels or in black and white.

    A subclass defines `training_levels`.

    Args:
        dequantise: whether to add uniform noise of one grey level, so that there is a density.
        levels: 2 for black and white: a pixel is 1 with its grey value as probability. It is drawn again in each epoch
            of training, and fixed by the data seed in validation and test. By default all levels of the images.
    """

    levels: int

    def __init__(self, dequantise: bool, levels: int | None) -> None:
        own = self.own_levels
        if levels not in (None, 2, own):
            raise ValueError(f"levels={levels} must be 2 for black and white, or {own}, as many as the images have")
        self.dequantise, self.levels = dequantise, levels or own

    @property
    def own_levels(self) -> int:
        """The number of grey levels of the recorded images."""
        return type(self).levels

    def training_levels(self, seed: int) -> NDArray[np.integer]:
        """Return the recorded grey levels [n, *shape] of the training images of a data seed.

        They are in order.
        """
        raise NotImplementedError

    def values(self, levels: NDArray[np.integer], rng: np.random.Generator, single: bool = False) -> Any:
        """Return images in [0, 1] from recorded levels, with the noise that was asked for."""
        if self.levels != self.own_levels:
            levels = binarise(levels, self.own_levels, rng)
        return grey(levels, self.levels, rng if self.dequantise else None, single)

    def redraw(self, seed: int, epoch: int) -> NDArray[np.float32] | None:
        if not self.dequantise and self.levels == self.own_levels:
            return None
        x: NDArray[np.float32] = self.values(self.training_levels(seed), generator(seed, "redraw", epoch), single=True)
        return x


@register_dataset("digits", family="images", kind="image", source="UCI Optical Recognition of Digits, in scikit-learn")
class Digits(GreyImages):
    """1,797 handwritten digits of 8×8 pixels with 17 grey levels. Labels: the digit."""

    shape, classes, levels = (1, 8, 8), 10, 17
    licence = "CC BY 4.0"

    def __init__(self, dequantise: bool = True, levels: int | None = None) -> None:
        super().__init__(dequantise, levels)

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels]:
        levels, labels = self._recorded()
        return self.values(levels, rng.spawn(1)[0]), labels  # whatever the noise, the splits are the same

    def recorded(self) -> Bytes:
        return self._recorded()[0]

    def training_levels(self, seed: int) -> Bytes:
        levels, _ = self._recorded()
        return levels[self.partition(seed)[1][0]]

    def _recorded(self) -> tuple[Bytes, Labels]:
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
        return x.astype(np.uint8).reshape(-1, *self.shape), y.astype(np.int64)


class OfficialImages(GreyImages):
    """Images with 256 levels for each pixel and an official test set.

    A subclass defines `pixels`. The test split is the official test set for every data seed, in another order. The
    validation split has as many images, drawn by the data seed from the official training set, so that the oracle,
    which draws from them, need not draw an image twice. The training split is the rest.

    Args:
        max_train: largest number of training images, to save memory (8 bytes for each value); 0 keeps all.
    """

    levels = 256
    files: ClassVar[DataFiles]
    official: ClassVar[tuple[int, int]]  # images in the official training set and in the test set

    def __init__(self, dequantise: bool = True, max_train: Natural = 0, levels: int | None = None) -> None:
        super().__init__(dequantise, levels)
        self.max_train = max_train
        self._kept: tuple[int, Bytes] | None = None  # a data seed and its training levels, for the epochs of a run

    def pixels(self) -> tuple[Pictures, Pictures]:
        """Return the official training and test set, each levels [n, *shape] and labels [n]."""
        raise NotImplementedError

    @property
    def split_sizes(self) -> Sizes:
        """The numbers of images in train, validation and test."""
        n, test = self.official
        return Sizes(min(n - test, self.max_train or n), test, test)

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return the official test set, and a seeded partition of the official training set.

        `sizes` has no effect.

        Raises:
            GenbenchError: a file is missing and cannot be fetched, or is damaged.
        """
        (levels, labels), test = self.pixels()
        train, held_out = self._order(seed)
        x, y = self._grey((levels[train], labels[train]), seed, "train")
        x_held_out, y_held_out = self._grey((levels[held_out], labels[held_out]), seed, "validation")
        x_test, y_test = self._test(test, seed)
        return Splits(x, x_held_out, x_test, y, y_held_out, y_test)

    def training_levels(self, seed: int) -> Bytes:
        if self._kept is None or self._kept[0] != seed:
            self._kept = (seed, self.pixels()[0][0][self._order(seed)[0]])
        return self._kept[1]

    def _order(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which images of the official training set are train, and which validation, of a data seed."""
        held_out, rest = np.split(
            generator(seed, "splits").permutation(self.official[0]), [self.split_sizes.validation]
        )
        return rest[: self.split_sizes.train], held_out

    def reference(self, n: int, seed: int) -> Array:
        """Return up to `n` images of the test split of `seed`."""
        return self._test(self.pixels()[1], seed)[0][:n]

    def fingerprint(self) -> str:
        """Return the SHA-256 of all levels and labels; the packing of files does not matter."""
        digest = hashlib.sha256()
        for pictures in self.pixels():
            for array in pictures:
                digest.update(array.tobytes())
        return digest.hexdigest()

    def _test(self, pictures: Pictures, seed: int) -> tuple[Array, Labels]:
        """Return the official test set in random order: MNIST's is sorted by writers, and metrics may take a part."""
        levels, labels = pictures
        order = generator(seed, "test order").permutation(len(levels))
        return self._grey((levels[order], labels[order]), seed, "test")

    def _grey(self, pictures: Pictures, seed: int, name: str) -> tuple[Array, Labels]:
        levels, labels = pictures
        return self.values(levels, generator(seed, "dequantise", name)), labels.astype(np.int64)

    def _damaged(self, reason: str) -> GenbenchError:
        name = self.files.name
        return GenbenchError(
            f"{name}: {reason}; delete the files that `genbench data info {name}` shows and fetch anew"
        )


class IdxImages(OfficialImages):
    """Images in four IDX files, the format of MNIST.

    A file has a header of whole numbers of 32 bits, then one byte for each value.
    """

    shape, classes, official = (1, 28, 28), 10, (60_000, 10_000)

    def pixels(self) -> tuple[Pictures, Pictures]:
        images, labels, test_images, test_labels = map(self._array, self.files.files)
        counts = (len(images), len(labels), len(test_images), len(test_labels))
        if counts != (self.official[0],) * 2 + (self.official[1],) * 2:
            raise self._damaged(f"{counts} images and labels for training and test are not the official numbers")
        return (images.reshape(-1, *self.shape), labels), (test_images.reshape(-1, *self.shape), test_labels)

    def _array(self, file: DataFile) -> Bytes:
        """Return the array of an IDX file: zeros (2 bytes), type 8 (unsigned bytes), number of axes, their lengths."""
        data = self.files.read(file)[0]
        tail = self.shape[1:] if "images" in file.name else ()
        head = 4 + 4 * (1 + len(tail))
        sizes = tuple(map(int, np.frombuffer(data, ">u4", (head - 4) // 4, 4))) if len(data) >= head else (0,)
        if data[:4] != bytes([0, 0, 8, 1 + len(tail)]) or sizes[1:] != tail or len(data) != head + math.prod(sizes):
            raise self._damaged(f"{file.parts[0]} is cut short, or no IDX file of bytes")
        return np.frombuffer(data, np.uint8, offset=head).reshape(sizes)


def _idx(part: str, sha256: str) -> DataFile:
    return DataFile(f"{part}-ubyte.gz", (f"{part}-ubyte",), sha256)


@register_dataset("mnist", family="images", kind="image", source="LeCun, Cortes & Burges 1998", variant=True)
class MNIST(IdxImages):
    """70,000 handwritten digits of 28×28 pixels. Labels: the digit."""

    files = DataFiles(
        "mnist",
        (
            _idx("train-images-idx3", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            _idx("train-labels-idx1", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            _idx("t10k-images-idx3", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            _idx("t10k-labels-idx1", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        licence="CC BY-SA 3.0, by what is commonly said",
        folders=("MNIST/raw",),
    )


@register_dataset("fashion_mnist", family="images", kind="image", source="Xiao, Rasul & Vollgraf 2017", variant=True)
class FashionMNIST(IdxImages):
    """70,000 images of clothes, 28×28 pixels. Labels: the kind of clothes."""

    files = DataFiles(
        "fashion_mnist",
        (
            _idx("train-images-idx3", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            _idx("train-labels-idx1", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            _idx("t10k-images-idx3", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            _idx("t10k-labels-idx1", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ),
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        licence="MIT",
        folders=("fashion-mnist", "FashionMNIST/raw"),
        installed=("/usr/share/datasets/fashion-mnist",),  # Debian's package dataset-fashion-mnist
    )


@register_dataset("cifar10", family="images", kind="image", source="Krizhevsky 2009", variant=True)
class CIFAR10(OfficialImages):
    """60,000 colour images of animals and vehicles, 3×32×32. Labels: the kind of object.

    They are read from the binary archive: records with one byte for the label and 3,072 bytes for red, green and blue.
    Unpacked files are recognised only by their size and labels.
    """

    shape, classes, official = (3, 32, 32), 10, (50_000, 10_000)
    files = DataFiles(
        "cifar10",
        (
            DataFile(
                "cifar-10-binary.tar.gz",
                (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
                packed_sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        folders=("cifar-10-batches-bin", "."),
    )

    def pixels(self) -> tuple[Pictures, Pictures]:
        *train, test = self.files.read(self.files.files[0])
        return self._records(b"".join(train), self.official[0]), self._records(test, self.official[1])

    def _records(self, data: bytes, n: int) -> Pictures:
        length = 1 + math.prod(self.shape)
        if len(data) != n * length:
            raise self._damaged(f"{len(data):,} bytes in place of {n * length:,} for {n:,} images")
        records = np.frombuffer(data, np.uint8).reshape(n, length)
        if records[:, 0].max() >= self.classes:
            raise self._damaged(f"label {records[:, 0].max()} is not one of 0 to {self.classes - 1}")
        return records[:, 1:].reshape(n, *self.shape), records[:, 0]
