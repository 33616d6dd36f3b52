"""Real tables: those of scikit-learn, and tables of the user."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any, ClassVar, Literal

import numpy as np

from genbench.contracts.dataset import register_dataset
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.core.types import Array, Labels
from genbench.numerics.grid import dequantise, resolution
from genbench.numerics.repeats import find_repeats
from genbench.reading.raw_table import table_path
from genbench.reading.table_file import read_table

__all__ = ["BreastCancer", "Csv", "Diabetes", "Table", "Wine", "dequantise", "resolution"]

LEAST = 10  # rows that can be split, as `RecordedDataset.partition` asks
SIGNS = {"comma": ",", "point": "."}


class Table(RecordedDataset):
    """Rows of numbers. A subclass defines `rows`.

    Measurements are recorded on a grid, so their distribution has no density: a model with spikes on the grid gets any
    likelihood. With `dequantise`, uniform noise of one grid step (Uria et al. 2013) gives a distribution with a
    density, which rounds to the same values.
    """

    dequantise: bool

    def __init__(self, dequantise: bool = True) -> None:
        self.dequantise = dequantise

    def rows(self) -> tuple[Array, Labels | None]:
        """Return the recorded values [n, d] and the classes [n] or None."""
        raise NotImplementedError

    def recorded(self) -> Array:
        return self.rows()[0]

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        x, y = self.rows()
        return (dequantise(x, rng) if self.dequantise else x), y


class SklearnTable(Table):
    """A table of scikit-learn, given by the name of its loader."""

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
    """A table of your own: text (.csv, .tsv, .txt, packed or not), .npy, .npz, or .parquet.

    The format of a text, and whether its first row has headings, is found out and printed before a run. Dates become
    days, and true and false become 1 and 0; a column with numbers of rows is left out.

    Args:
        path: the file.
        label: heading, or number from 1 on, of the column with the class of each row: words or whole numbers.
        columns: headings or numbers of the columns to use; all unless given.
        drop: headings or numbers of the columns to leave out.
        header: whether the first row of a text has headings.
        decimal: the decimal sign of a text.

    Raises:
        GenbenchError: the file cannot be read, a column is not numeric or is constant, a value is missing or infinite,
            or there are fewer than 10 rows.
    """

    def __init__(
        self,
        path: str,
        dequantise: bool = True,
        label: str | int | None = None,
        columns: str | int | list[str | int] | None = None,
        drop: str | int | list[str | int] | None = None,
        header: bool | None = None,
        decimal: Literal["comma", "point"] | None = None,
    ) -> None:
        super().__init__(dequantise)
        self.path, self.label, self.columns, self.drop = path, label, columns, drop
        self.header, self.decimal = header, decimal
        self.table = read_table(path, label, columns, drop, header, SIGNS.get(decimal or ""))
        self.shape = self.table.values.shape[1:]
        self.classes = len(self.table.classes) or None
        self._check()

    def rows(self) -> tuple[Array, Labels | None]:
        return self.table.values, self.table.labels

    @property
    def notes(self) -> tuple[str, ...]:
        repeats = find_repeats(self.table.values)
        if repeats.kind != "copies":
            return (self.table.decisions,)
        return (
            self.table.decisions,
            f"{repeats.share:.0%} of the rows equal another ({repeats.distinct} differ); equal ones are in one split",
        )

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file."""
        with table_path(self.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _check(self) -> None:
        """Refuse a table that no density fits, and warn of what is lost."""
        columns, values = self.table.columns, self.table.values
        constant = next((name for name, step in zip(columns, resolution(values), strict=True) if not step), None)
        if len(values) > 1 and constant:
            raise GenbenchError(
                f"{self.path}: column '{constant}' is constant, so it has no density; drop={constant} leaves it out"
            )
        if len(values) < LEAST:
            rows = "1 row is" if len(values) == 1 else f"{len(values)} rows are"
            raise GenbenchError(f"{self.path}: {rows} too few to split; give at least {LEAST}")
        for text in self.table.cautions:
            warnings.warn(f"{self.path}: {text}", GenbenchWarning, stacklevel=3)
