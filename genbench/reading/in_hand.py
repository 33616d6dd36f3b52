"""Data in memory: arrays, data frames and tensors given to a run, and files with copies.

An array [n, d] is a table of n rows; [n, c, h, w] or [n, h, w] are n images. [n] are n rows of one column, or a series
of n steps if a series is asked for or the index has dates. Labels go with them as (x, labels).
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.files import write_whole
from genbench.core.types import Array
from genbench.reading.arrays import as_array, exact, no_missing
from genbench.reading.labels import classes_of_labels
from genbench.reading.time_axis import equal_steps

__all__ = ["FEWEST", "SUFFIXES", "Held", "digest", "hold", "read_held"]

FEWEST = 10  # points that can be split in three parts
BYTE = 256  # levels of a byte
ROUNDING = 1e-6  # of values in [0, 1] in single precision
CHANNELS = (1, 3)
SUFFIXES = {kind: f".{kind}.npz" for kind in ("table", "image", "real", "series")}  # by the kind of data


@dataclass(frozen=True)
class Held:
    """Data in memory, with their name.

    Attributes:
        kind: "table", "image" of grey levels, "real" for images of real values, or "series".
        arrays: `x`, and, if there are any, `labels` [n], names of `classes`, names of `columns` [d], the number of grey
            `levels`, and the `steps` of a series, as text.
    """

    name: str
    kind: str
    arrays: dict[str, NDArray[Any]]

    def file(self, folder: Path) -> Path:
        """Return the file in a folder that keeps a copy of the data."""
        plain = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", self.name).strip("_.")[:60] or "data"
        return folder / f"{plain}-{digest(self.arrays)[:12]}{SUFFIXES[self.kind]}"

    def write(self, folder: Path) -> Path:
        """Write the arrays into a file of a folder, unless it exists, and return its path.

        Raises:
            OSError: the folder cannot be written.
        """
        file = self.file(folder)
        if not file.is_file() or _other(file, self.arrays):
            write_whole(file, lambda out: np.savez(out, allow_pickle=False, **self.arrays))
        return file


def hold(data: Any, name: str, series: bool = False) -> Held:
    """Return data in memory as arrays.

    Args:
        data: an array, a data frame, a tensor, a list of rows, or a pair of one of these and its labels.
        name: their name in tables.
        series: whether one column is a series in time.

    Raises:
        GenbenchError: the data are not numbers, not finite, or too few, or there is not one label for each point.
    """
    data, labels = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    index = getattr(data, "index", None)
    found = as_array(data, name)
    if not found.ndim:
        raise GenbenchError(f"{name} is a single number; give at least {FEWEST} points")
    if not found.size:
        raise GenbenchError(f"{name} has the shape {found.shape} and holds nothing; give at least {FEWEST} points")
    if len(found) < FEWEST:
        raise GenbenchError(f"{name} has {len(found)} points, too few to split; give at least {FEWEST}")
    if found.ndim > 2:
        return _with_labels(_images(found, name), labels)
    columns = [str(column) for column in getattr(data, "columns", [])]
    x = exact(found, name)
    no_missing(x, name, columns)
    dated = getattr(index, "inferred_type", "") in ("datetime64", "period", "datetime")
    if x.ndim == 1 or x.shape[1] == 1:
        if labels is None and (series or dated):
            steps = f", one a step {equal_steps(_times(index), name, 'row {}'.format)}" if dated else ""
            return Held(name, "series", {"x": x.ravel(), "steps": np.array(steps)})
        x = x.reshape(len(x), 1)
        columns = columns or ([str(data.name)] if getattr(data, "name", None) is not None else [])
    constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    if constant.size:
        title = (columns or range(x.shape[1]))[constant[0]]
        raise GenbenchError(f"{name}: column '{title}' is constant, so it has no density; leave it out")
    arrays = {"x": x} | ({"columns": np.array(columns)} if columns else {})
    return _with_labels(Held(name, "table", arrays), labels)


def read_held(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the arrays that `Held.write` wrote.

    Raises:
        GenbenchError: the file is missing or damaged.
    """
    file = Path(path)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except FileNotFoundError:
        raise GenbenchError(f"the data of {file} are gone; run again with the data in hand") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        line = " ".join(str(error).split())
        raise GenbenchError(f"{file} cannot be read ({line}); delete it and run again with the data in hand") from None
    if "x" not in arrays:
        raise GenbenchError(f"{file} holds no array x; give the data again, as genbench.run(…, datasets=…)")
    return arrays


def digest(arrays: dict[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of points and labels; their names do not count."""
    found = hashlib.sha256()
    for name in sorted({"x", "labels", "levels"} & arrays.keys()):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _times(index: Any) -> Any:
    """Return an index of dates as pandas counts them."""
    import pandas as pd

    return index if isinstance(index, pd.PeriodIndex) else pd.DatetimeIndex(index)


def _other(file: Path, arrays: dict[str, NDArray[Any]]) -> bool:
    """Whether a file holds something else than some arrays."""
    try:
        there = read_held(file)
    except GenbenchError:
        return True
    return there.keys() != arrays.keys() or not all(np.array_equal(there[name], arrays[name]) for name in arrays)


def _images(found: NDArray[Any], name: str) -> Held:
    """Return images [n, c, h, w]: grey levels where their values are on a grid of at most 256, else float64 in [0, 1].

    Raises:
        GenbenchError: the shape is no image's, or values are out of range.
    """
    shape = found.shape
    x = found[:, None] if found.ndim == 3 else found
    if x.ndim != 4 or x.shape[1] not in CHANNELS:
        last = found.ndim == 4 and shape[3] in CHANNELS
        remedy = "move the channels first: x.transpose(0, 3, 1, 2)" if last else "flatten what are no images: [n, d]"
        raise GenbenchError(
            f"{name} has the shape {shape}; images are [n, h, w] or [n, c, h, w] with c = 1 or 3; {remedy}"
        )
    low, high = x.min(), x.max()
    if low == high:
        raise GenbenchError(f"every value of {name} is {low}; give images")
    if x.dtype.kind == "b":
        return Held(name, "image", {"x": x.astype(np.uint8), "levels": np.array(2)})
    if x.dtype.kind in "iu":
        if low < 0 or high >= BYTE:
            raise GenbenchError(f"{name} has levels from {low} to {high}; levels of images are 0 to {BYTE - 1}")
        return Held(name, "image", {"x": x.astype(np.uint8), "levels": np.array(BYTE)})
    values = exact(x, name)
    no_missing(values, name)
    if low < 0 or high > 1:
        raise GenbenchError(f"{name} has values from {low:g} to {high:g}; scale them to [0, 1], or pass bytes")
    if steps := _steps(values):
        return Held(name, "image", {"x": np.rint(values * steps).astype(np.uint8), "levels": np.array(steps + 1)})
    return Held(name, "real", {"x": values})


def _steps(values: Array) -> int:
    """Return into how many steps, 255 at most, a grid divides [0, 1] that all values are on; 0 if there is none."""
    distinct = np.unique(values)
    if len(distinct) > BYTE:
        distinct = np.unique(values.astype(np.float32))  # as converting from single precision may leave neighbours
    if len(distinct) > BYTE:
        return 0
    grids = (k for k in range(1, BYTE) if np.allclose(np.rint(distinct * k), distinct * k, rtol=0, atol=ROUNDING * k))
    return next(grids, 0)


def _with_labels(held: Held, labels: Any) -> Held:
    if labels is None:
        return held
    codes, classes = classes_of_labels(labels, len(held.arrays["x"]), held.name)
    return replace(held, arrays=held.arrays | {"labels": codes, "classes": np.array(classes)})
