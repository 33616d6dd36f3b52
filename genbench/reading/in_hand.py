"""Data in hand: arrays, data frames and tensors that a run is given, and the files that they are kept in.

An array [n, d] is a table of n rows, [n, c, h, w] or [n, h, w] are n images, and [n] are n rows of one column, or a
series of n steps where one is asked for or an index of dates says so. Labels go with them as (x, labels).
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.files import write_whole
from genbench.reading.arrays import as_array, exact, no_missing
from genbench.reading.labels import classes_of_labels
from genbench.reading.time_axis import equal_steps

__all__ = ["FEWEST", "SUFFIXES", "Held", "digest", "hold", "read_held"]

FEWEST = 10  # points that can be split in three parts
GREY = 256  # levels of a byte
CHANNELS = (1, 3)
SUFFIXES = {kind: f".{kind}.npz" for kind in ("table", "image", "real", "series")}  # by the kind of data


@dataclass(frozen=True)
class Held:
    """Data in hand under their name.

    Attributes:
        kind: "table", "image" of 256 levels, "real" for images of real values, or "series".
        arrays: `x`, and where there are any `labels` [n], names of `classes`, and names of `columns` [d].
        summary: what was understood, in a line.
    """

    name: str
    kind: str
    arrays: dict[str, NDArray[Any]]
    summary: str

    def write(self, folder: Path) -> Path:
        """Write the arrays into a file of a folder, unless it is there, and return its path.

        Raises:
            OSError: the folder cannot be written.
        """
        plain = re.sub(r"[^A-Za-z0-9_.+=-]+", "_", self.name).strip("_.")[:60] or "data"
        file = folder / f"{plain}-{digest(self.arrays)[:12]}{SUFFIXES[self.kind]}"
        if not file.is_file() or _damaged(file, self.arrays):
            write_whole(file, lambda out: np.savez(out, allow_pickle=False, **self.arrays))
        return file


def hold(data: Any, name: str, series: bool = False) -> Held:
    """Return data in hand as arrays.

    Args:
        data: an array, a data frame, a tensor, a list of rows, or a pair of one of these and its labels.
        name: what tables call them.
        series: whether one column is a series in time.

    Raises:
        GenbenchError: they are not numbers, or not finite, or too few, or labels are not one of each.
    """
    data, labels = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
    index = getattr(data, "index", None)
    found = as_array(data, name)
    if not found.size:
        raise GenbenchError(f"{name} has the shape {found.shape} and holds nothing; give at least {FEWEST} points")
    if len(found) < FEWEST:
        raise GenbenchError(f"{name} has {len(found)} points, too few to split; give at least {FEWEST}")
    if found.ndim > 2:
        kind, x, said = _images(found, name)
        return _with_labels(name, kind, {"x": x}, labels, said)
    columns = [str(column) for column in getattr(data, "columns", [])]
    x = exact(found, name)
    no_missing(x, name, columns)
    dated = getattr(index, "inferred_type", "") in ("datetime64", "period", "datetime")
    if x.ndim == 1 or x.shape[1] == 1:
        if labels is None and (series or dated):
            steps = f", one a step {equal_steps(_times(index), name, 'row {}'.format)}" if dated else ""
            arrays = {"x": x.ravel()} | ({"columns": np.array(columns)} if columns else {})
            return Held(name, "series", arrays, f"a series of {len(x):,} values{steps}")
        x = x.reshape(len(x), 1)
        columns = columns or ([str(data.name)] if getattr(data, "name", None) is not None else [])
    arrays = {"x": x} | ({"columns": np.array(columns)} if columns else {})
    return _with_labels(name, "table", arrays, labels, f"a table of {len(x):,} rows and {x.shape[1]} columns")


def read_held(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the arrays that `Held.write` has written.

    Raises:
        GenbenchError: the file is gone or damaged.
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
    """Return the SHA-256 of arrays, their names, types and shapes."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _times(index: Any) -> Any:
    """Return an index of dates as pandas counts them."""
    import pandas as pd

    return index if isinstance(index, pd.PeriodIndex) else pd.DatetimeIndex(index)


def _damaged(file: Path, arrays: dict[str, NDArray[Any]]) -> bool:
    try:
        return digest(read_held(file)) != digest(arrays)
    except GenbenchError:
        return True


def _images(found: NDArray[Any], name: str) -> tuple[str, NDArray[Any], str]:
    """Return the kind, and images [n, c, h, w]: bytes where they have the levels of bytes, else float64 in [0, 1].

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
    if x.dtype.kind == "f":
        no_missing(exact(x, name), name)
        levels = np.rint(x.astype(np.float64) * (GREY - 1))
        if low < 0 or high > 1:
            raise GenbenchError(f"{name} has values from {low:g} to {high:g}; scale images to [0, 1], or pass bytes")
        if not np.allclose(levels, x.astype(np.float64) * (GREY - 1), rtol=0, atol=1e-4):
            return "real", exact(x, name), _said(x, "real values in [0, 1]")
        x = levels
    elif low < 0 or high >= GREY:
        raise GenbenchError(f"{name} has levels from {low} to {high}; images have levels 0 to {GREY - 1}")
    return "image", x.astype(np.uint8), _said(x, f"{GREY} levels")


def _said(x: NDArray[Any], levels: str) -> str:
    return f"{len(x):,} images of {'×'.join(map(str, x.shape[1:]))}, {levels}"


def _with_labels(name: str, kind: str, arrays: dict[str, NDArray[Any]], labels: Any, said: str) -> Held:
    if labels is None:
        return Held(name, kind, arrays, said)
    codes, classes = classes_of_labels(labels, len(arrays["x"]), name)
    named = [str(i) for i in range(len(classes))] != classes
    words = ", ".join(f"{i} = {text}" if named else text for i, text in enumerate(classes[:FEWEST]))
    more = ", …" if len(classes) > FEWEST else ""
    said = f"{said}, with labels of {len(classes)} classes ({words}{more})"
    return Held(name, kind, arrays | {"labels": codes, "classes": np.array(classes)}, said)
