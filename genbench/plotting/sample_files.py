"""Samples as files: a grid or a scatter plot, single images, arrays."""

from __future__ import annotations

import math
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset
from genbench.core.errors import GenbenchError
from genbench.core.files import write_whole
from genbench.core.types import Array, Labels
from genbench.plotting.image_grid import mosaic, seen
from genbench.plotting.ranges import BINS, limits, say_outside

__all__ = ["FORMATS", "check", "write_arrays", "write_grid", "write_images"]

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
GRID_PIXELS = 600  # along a side of a grid, about
POINT_PIXELS = 110  # of a scatter plot, per inch


def check(grid: Path | None, individual: Path | None, dataset: Dataset) -> None:
    """Check, before anything is drawn, that files can be written.

    Raises:
        GenbenchError: the name of a grid ends in another format than png or jpg, or single images are asked for
            and the data are no images.
    """
    if grid is not None and grid.suffix.lower() not in FORMATS:
        raise GenbenchError(f"cannot draw {grid}; its name must end in .png or .jpg")
    if individual is not None and dataset.kind != "image":
        raise GenbenchError(f"--individual is for images, and {dataset.card.name} has {dataset.kind}; use --npz")


def write_arrays(file: Path, samples: Array, labels: Labels | None, dataset: Dataset) -> None:
    """Write samples [n, *shape] and labels [n], if there are any, as arrays.

    Images are float32. No pickles are used.

    Raises:
        GenbenchError: the file cannot be written.
    """
    arrays: dict[str, Any] = {"samples": samples.astype(dataset.precision)} | (
        {} if labels is None else {"labels": labels}
    )
    _write(file, lambda out: np.savez(out, **arrays))


def write_images(folder: Path, samples: Array, labels: Labels | None, dataset: Dataset) -> list[Path]:
    """Write each image [c, h, w] to its own file, pixel by pixel, and return the files.

    Raises:
        GenbenchError: a file cannot be written.
    """
    names = [f"{i:05d}" + ("" if labels is None else f"-label{labels[i]}") for i in range(len(samples))]
    files = [folder / f"{name}.png" for name in names]
    for file, image in zip(files, seen(samples, dataset.levels), strict=True):
        _save(file, (image if len(image) == 3 else image[:1]).transpose(1, 2, 0))
    return files


def write_grid(file: Path, samples: Array, labels: Labels | None, dataset: Dataset) -> None:
    """Write one image of all samples.

    It is a grid of images, a scatter plot of points, or a histogram of numbers.

    Raises:
        GenbenchError: the file cannot be written.
    """
    if dataset.kind == "image":
        side = math.ceil(math.sqrt(len(samples)))
        grid = np.nan_to_num(mosaic(seen(samples, dataset.levels), side), nan=1.0)
        used = -(-len(samples) // side) * (samples.shape[2] + 1) - 1
        scale = max(1, round(GRID_PIXELS / grid.shape[1]))
        _save(file, grid[:used].repeat(scale, axis=0).repeat(scale, axis=1))
    else:
        _plot(file, samples.reshape(len(samples), -1), labels, dataset.card.name)


def _save(file: Path, image: Array) -> None:
    """Write an image [h, w, 3 or 1] in [0, 1]."""
    from matplotlib.image import imsave

    pixels = np.round(255 * image.repeat(3 // image.shape[2], axis=2)).astype(np.uint8)
    _write(file, lambda out: imsave(out, pixels, format=FORMATS[file.suffix.lower()]))


def _plot(file: Path, x: Array, labels: Labels | None, name: str) -> None:
    import seaborn

    from genbench.plotting.canvas import finish, new_figure
    from genbench.plotting.style import COLOURS, styled

    least, most = limits(x[:, :2], 0.05)
    with styled():
        figure = new_figure(5, 5)
        panel = figure.subplots()
        if x.shape[1] == 1:
            seaborn.histplot(x=x[:, 0], bins=BINS, binrange=(float(least[0]), float(most[0])), ax=panel)
            panel.set(xlabel="x", ylabel="samples")
        else:
            size = float(np.clip(4000 / len(x), 1.5, 25))
            palette = None if labels is None else dict(zip(np.unique(labels), cycle(COLOURS), strict=False))
            seaborn.scatterplot(x=x[:, 0], y=x[:, 1], hue=labels, palette=palette, s=size, linewidth=0, ax=panel)
            panel.set(xlim=(least[0], most[0]), ylim=(least[1], most[1]))
            panel.set(xlabel="coordinate 1", ylabel="coordinate 2", aspect="equal" if x.shape[1] == 2 else "auto")
            if labels is not None:
                panel.legend(title="label", markerscale=3)
        say_outside(panel, int(((x[:, :2] < least) | (x[:, :2] > most)).any(axis=1).sum()))
        figure.suptitle(f"{len(x):,} samples of a model of {name}")
        finish(figure)
        _write(file, lambda out: figure.savefig(out, format=FORMATS[file.suffix.lower()], dpi=POINT_PIXELS))


def _write(file: Path, write: Any) -> None:
    try:
        write_whole(file, write)
    except OSError as error:
        raise GenbenchError(f"cannot write {file}: {error.strerror or error}; choose another place") from None
