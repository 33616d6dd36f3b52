"""Real tables: the ones that ship inside scikit-learn, and the user's own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from genbench.contracts.dataset import RecordedDataset, register_dataset
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Labels

__all__ = ["BreastCancer", "Csv", "Diabetes", "Table", "Wine", "dequantise", "resolution"]


def resolution(x: Array) -> Array:
    """Return the smallest gap between distinct values of each column of x [n, d], [d]; 0 for a constant column.

    Values that differ by rounding only (relative 1e-12) count as equal.
    """
    gaps = np.diff(np.sort(x, axis=0), axis=0)  # (n - 1, d)
    gaps[gaps <= 1e-12 * np.abs(x).max(axis=0)] = np.inf
    smallest = gaps.min(axis=0, initial=np.inf)
    return np.where(np.isfinite(smallest), smallest, 0.0)


def dequantise(x: Array, rng: np.random.Generator) -> Array:
    """Return x [n, d] with U(−½, ½) of its column's resolution added to each value: the nearest one stays the same."""
    return x + resolution(x) * (rng.random(x.shape) - 0.5)


class Table(RecordedDataset):
    """Rows of numbers. A subclass writes `rows`.

    Measurements are recorded on a grid, so their distribution has no density: a model that puts spikes on the grid
    reaches any likelihood. With `dequantise`, uniform noise of one grid step (Uria et al. 2013) gives a distribution
    that has one and that rounds back to the same values.
    """

    dequantise: bool

    def __init__(self, dequantise: bool = True) -> None:
        self.dequantise = dequantise

    def rows(self) -> tuple[Array, Labels | None]:
        """Return the recorded values [n, d] and the classes [n] or None."""
        raise NotImplementedError

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        x, y = self.rows()
        return (dequantise(x, rng) if self.dequantise else x), y


class SklearnTable(Table):
    """A table of scikit-learn, found by the name of its loader."""

    loader: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    def rows(self) -> tuple[Array, Labels | None]:
        from sklearn import datasets

        x, y = getattr(datasets, self.loader)(return_X_y=True, **self.options)
        return np.asarray(x, dtype=np.float64), None if self.classes is None else np.asarray(y, dtype=np.int64)


@register_dataset("wine", family="tables", kind="table", source="UCI Wine, in scikit-learn")
class Wine(SklearnTable):
    """178 wines of three growers, 13 chemical measurements each. Labels: the grower."""

    loader, shape, classes = "load_wine", (13,), 3


@register_dataset("breast_cancer", family="tables", kind="table", source="UCI Breast Cancer Wisconsin, in scikit-learn")
class BreastCancer(SklearnTable):
    """569 tumours, 30 measurements of their cell nuclei each. Labels: 0 malignant, 1 benign."""

    loader, shape, classes = "load_breast_cancer", (30,), 2


@register_dataset("diabetes", family="tables", kind="table", source="Efron et al. 2004, in scikit-learn")
class Diabetes(SklearnTable):
    """442 diabetes patients, 10 measurements each, in their own units."""

    loader, shape, options = "load_diabetes", (10,), {"scaled": False}


TABLE_FILES = (".csv", ".tsv", ".txt", ".npy", ".npz", ".parquet", ".csv.gz", ".tsv.gz", ".txt.gz")


@register_dataset("csv", family="tables", kind="table", source="a file of yours", variant=True, reads=TABLE_FILES)
class Csv(Table):
    """A numeric table of your own: a text file with columns parted by comma, semicolon or tab, or a NumPy .npy file.

    The first line of a text file is taken for the names of the columns if none of its cells is a number.

    Args:
        path: the file.

    Raises:
        GenbenchError: the file cannot be read, a column is not numeric or is constant, or a value is missing.
    """

    def __init__(self, path: str, dequantise: bool = True) -> None:
        super().__init__(dequantise)
        self.path = path
        self.shape = self.rows()[0].shape[1:]

    def rows(self) -> tuple[Array, None]:
        file = self._file()
        x, names = _read_npy(file) if file.suffix == ".npy" else _read_text(file)
        missing = int(np.isnan(x).any(axis=1).sum())
        if missing:
            raise GenbenchError(f"{self.path}: {missing} of {len(x)} rows hold NaN or empty cells; drop or impute them")
        constant = [name for name, values in zip(names, x.T, strict=True) if np.ptp(values) == 0]
        if constant:
            raise GenbenchError(f"{self.path}: column '{constant[0]}' is constant, so it has no density; drop it")
        return x, None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file."""
        with self._file().open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _file(self) -> Path:
        file = Path(self.path).expanduser()
        if not file.is_file():
            raise GenbenchError(f"csv: no file '{self.path}'; give the path of a .csv or .npy file")
        return file


def _read_npy(file: Path) -> tuple[Array, list[str]]:
    """Return the values [n, d] of a .npy file and the numbers of its columns."""
    try:
        x = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise GenbenchError(f"{file}: not a numeric .npy file ({error}); save one with numpy.save") from None
    if x.ndim != 2 or not x.size:
        raise GenbenchError(f"{file}: holds an array of shape {x.shape}; a table is [rows, columns]")
    if x.dtype.kind not in "biuf":
        raise GenbenchError(f"{file}: holds values of type {x.dtype}; convert them to numbers")
    return x.astype(np.float64), [str(i + 1) for i in range(x.shape[1])]


def _read_text(file: Path) -> tuple[Array, list[str]]:
    """Return the values [n, d] of a text file and the names of its columns, or their numbers where it has no names."""
    import pandas as pd

    try:
        with file.open(encoding="utf-8-sig") as lines:
            first = next((line for line in lines if line.strip()), "")
        separator = max(",;\t", key=first.count)
        named = not any(map(_is_number, first.split(separator)))
        frame = pd.read_csv(file, sep=separator, header=0 if named else None, encoding="utf-8-sig")
    except (ValueError, OSError) as error:  # pandas' parser errors and Unicode errors are ValueErrors
        raise GenbenchError(f"{file}: cannot be read as a table ({str(error).strip()}); fix the file") from None
    if frame.empty:
        raise GenbenchError(f"{file}: holds no rows of numbers; give a table with at least 10")
    if not named:
        frame.columns = pd.Index([str(i + 1) for i in range(frame.shape[1])])
    for name, column in frame.items():
        values = pd.to_numeric(column, errors="coerce")
        words = column[values.isna() & column.notna()]
        if len(words):
            raise GenbenchError(
                f"{file}: column '{name}' is not numeric (it holds '{words.iloc[0]}'); drop or encode it"
            )
    return frame.to_numpy(dtype=np.float64), [str(name) for name in frame.columns]


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().strip('"'))
    except ValueError:
        return False
    return True
