"""A folder of images, all of one size, in one folder for each class or without classes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.files import expanded
from genbench.core.types import Labels

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SUFFIXES", "ImageFiles", "read_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
GREY, COLOUR = ("1", "L", "LA"), ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB")  # Pillow's modes, 8 bits
SKIPPED = ("__macosx", "thumbs.db", "desktop.ini", "@eadir")  # what systems leave beside files; so is a leading dot


@dataclass(frozen=True)
class ImageFiles:
    """The images of a folder: byte levels [n, c, h, w], labels [n] or None, class names."""

    levels: NDArray[np.uint8]
    labels: Labels | None
    classes: tuple[str, ...]


def read_images(path: str, size: int | None = None, channels: int | None = None) -> ImageFiles:
    """Read all images of a folder, in the order of their names.

    If there are sub-folders, they are the classes. A single sub-folder is not a class. Transparent parts become black.

    Args:
        path: the folder.
        size: pixels along a side. Images are cut to the square in their middle and resampled to this size.
        channels: 1 for grey, 3 for colours. Unless given, it is 1 if all images are grey, and otherwise 3.

    Raises:
        GenbenchError: there is no image, one cannot be read, sizes differ and no `size` is given, or there are images
            both in the folder and in sub-folders.
    """
    folder = expanded(path)
    files, classes = _listed(folder, path)
    images = [(file, _decoded(file)) for file, _ in files]
    if channels is None:
        channels = 1 if all(image.mode in GREY for _, image in images) else 3
    arrays = [_array(image, size, channels) for _, image in images]
    odd = next((i for i, array in enumerate(arrays) if array.shape != arrays[0].shape), None)
    if odd is not None:
        (h, w), (first_h, first_w) = arrays[odd].shape[1:], arrays[0].shape[1:]
        raise GenbenchError(
            f"{images[odd][0]} has {w}×{h} pixels, where {images[0][0].name} has {first_w}×{first_h}; "
            f"make them equal, or give size={min(h, w, first_h, first_w)}"
        )
    labels = None if len(classes) < 2 else np.array([label for _, label in files], dtype=np.int64)
    return ImageFiles(np.stack(arrays), labels, classes if labels is not None else ())


def _listed(folder: Path, path: str) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """Return the files with the number of their class, and the names of the classes."""
    if not os.path.isdir(folder):
        raise GenbenchError(f"no folder '{path}'; give a folder of images, or of one folder for each class")
    try:
        inside = list(_visible(folder))
        own = [file for file in inside if _is_image(file)]
        parts = {sub.name: [file for file in _visible(sub) if _is_image(file)] for sub in inside if sub.is_dir()}
        empty = {name for name, found in parts.items() if not found}
        deeper = sorted(name for name in empty if any(sub.is_dir() for sub in _visible(folder / name)))
    except OSError as error:
        raise GenbenchError(f"{folder} cannot be read ({error.strerror}); give a folder that you may read") from None
    if own and empty != parts.keys():
        raise GenbenchError(f"{folder} has {len(own)} images beside the folders of its classes; move them into these")
    if own:
        return [(file, 0) for file in own], ()
    if not empty and parts:
        names = tuple(parts)
        return [(file, k) for k, name in enumerate(names) for file in parts[name]], names
    if deeper:
        raise GenbenchError(
            f"{folder / deeper[0]} has folders and no images; give one such folder: {folder / deeper[0]}"
        )
    if parts and empty != parts.keys():
        raise GenbenchError(f"{folder / min(empty)} has no images, as the folder of a class should; fill or remove it")
    raise GenbenchError(f"{folder} has no images ({', '.join(SUFFIXES[:4])} …), nor folders of them; give one that has")


def _visible(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder by name, 2 before 10, without what is hidden."""
    for file in sorted(folder.iterdir(), key=lambda file: _natural(file.name)):
        if not file.name.startswith(".") and file.name.lower() not in SKIPPED:
            yield file


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which numbers in names sort as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)] + [(-2, name)]


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file()


def _decoded(file: Path) -> Image:
    """Return an image the right way up.

    Raises:
        GenbenchError: it is damaged, empty, or has more than 8 bits.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split()).replace(f" '{file}'", "") or type(error).__name__
        raise GenbenchError(f"{file} cannot be read as an image ({reason}); replace or remove it") from None
    if image.mode not in GREY + COLOUR:
        raise GenbenchError(f"{file} has pixels of mode {image.mode}; save it with 8 bits a channel")
    return image


def _array(image: Image, size: int | None, channels: int) -> NDArray[np.uint8]:
    """Return the levels of an image, [c, h, w]."""
    from PIL import Image, ImageOps

    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    image = image.convert("L" if channels == 1 else "RGB")
    if size is not None:
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    levels = np.asarray(image, dtype=np.uint8)
    return levels[None] if channels == 1 else np.ascontiguousarray(levels.transpose(2, 0, 1))
