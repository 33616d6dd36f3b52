"""A table of numbers in a file, checked, with notes on how it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Labels
from genbench.reading.cells import COMMA, POINT, kind_of, number, tidy
from genbench.reading.class_column import classes_of
from genbench.reading.column_choice import Chosen, Names, choose
from genbench.reading.columns import Column, NotNumeric, as_numbers
from genbench.reading.raw_table import RawTable, raw_table, table_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableFile", "read_table"]

INDEX = ("index", "idx", "id", "nr", "no", "number", "row", "rowid", "rownames", "#")
FEW = 6  # classes that are shown by name; by hand: a line


@dataclass(frozen=True)
class TableFile:
    """The content of a file with a table.

    Attributes:
        columns: headings of the columns, or their numbers in the file if they have none.
        values: the values [n, d] float64, finite.
        decisions: how the file was read, in one line.
        cautions: what is lost, a line for each.
        labels: class of each row [n], from 0, if a column was named for it.
        classes: the value of each label, in order.
    """

    columns: tuple[str, ...]
    values: Array
    decisions: str
    cautions: tuple[str, ...] = ()
    labels: Labels | None = None
    classes: tuple[str, ...] = ()


def read_table(
    path: str,
    label: str | int | None = None,
    columns: Names = None,
    drop: Names = None,
    header: bool | None = None,
    decimal: str | None = None,
) -> TableFile:
    """Read a table of numbers from a text file, a .npy or .npz file, or a Parquet file.

    Text may be packed by gzip, bzip2 or xz. A column of dates becomes days since the earliest date; truth values become
    0 and 1. A column with numbers of rows, or with their names before the first heading, is left out unless it is asked
    for.

    Args:
        path: the file.
        label: heading, or number from 1 on, of the column with the class of each row.
        columns, drop: headings or numbers of the columns to use, and to leave out.
        header: whether the first row of a text has headings; found out unless given.
        decimal: "," or "." as the decimal sign of a text; found out unless given.

    Raises:
        GenbenchError: the file cannot be read, a column is not numeric, or a value is missing or infinite.
    """
    file = table_path(path)
    try:
        raw = raw_table(file, header, decimal)
        return _table(raw, choose(raw.headings, label, columns, drop))
    except GenbenchError as error:
        text = str(error)
        raise GenbenchError(text if text.startswith(str(file)) else f"{file}: {text}") from None


def _table(raw: RawTable, chosen: Chosen) -> TableFile:
    found, said = _columns(raw, chosen)
    names = tuple(chosen.names[j] for j in found)
    values = np.column_stack([column.values for column in found.values()])
    _check_finite(raw, values, list(found), names)
    labels, classes = None, tuple[str, ...]()
    if chosen.label is not None:
        labels, classes = classes_of(raw, chosen.label, chosen.names[chosen.label])
        said.append(f"column '{chosen.names[chosen.label]}' is the class ({_shown(classes)})")
    n, d = values.shape
    size = f"{d} {'column' if d == 1 else 'columns'}, {n} {'row' if n == 1 else 'rows'}"
    cautions = tuple(f"column '{chosen.names[j]}' {column.caution}" for j, column in found.items() if column.caution)
    return TableFile(names, values, "; ".join([*raw.decisions, size, *said]), cautions, labels, classes)


def _columns(raw: RawTable, chosen: Chosen) -> tuple[dict[int, Column], list[str]]:
    """Return the columns that hold values by number, and what was decided about them."""
    found: dict[int, Column] = {}
    said = []
    for j in chosen.values:
        name, cells = chosen.names[j], raw.cells.iloc[:, j]
        optional = not chosen.asked and len(chosen.values) > 1  # whether it may be left out
        if optional and j == 0 and any(raw.headings) and not raw.headings[0] and _names_rows(cells):
            said.append("the first column names the rows and is left out")
            continue
        try:
            column = as_numbers(cells, raw.decimal)
        except NotNumeric as error:
            raise _not_numeric(raw, j, chosen, error) from None
        if optional and _numbers_rows(column.values, raw.headings[j], j, any(raw.headings)):
            said.append(f"column '{name}' numbers the rows and is left out (columns= keeps it)")
            continue
        found[j] = column
        said += [f"column '{name}' {column.note}"] if column.note else []
    if not found:
        raise GenbenchError("its only column numbers the rows; name it in columns= to use it")
    return found, said


def _names_rows(cells: pd.Series[Any]) -> bool:
    """Return whether a column has another word in each row."""
    return cells.dtype.kind not in "iufbM" and cells.is_unique and {kind_of(str(cell)) for cell in cells} == {"word"}


def _numbers_rows(values: Array, heading: str, column: int, headed: bool) -> bool:
    """Return whether a column counts the rows: 0, 1, 2, … or from another number on, under no heading or `id` or alike.

    The first column of a table whose other columns have headings counts them in whatever order.
    """
    name = heading.strip().lower()
    unnamed = not name or name.startswith("unnamed:")
    if (
        not (unnamed and column == 0)
        and name not in INDEX
        and not name.endswith(("_id", " id"))
        and heading[-2:] != "Id"
    ):
        return False
    if len(values) < 2 or not np.isfinite(values).all():
        return False
    if unnamed and headed:
        values = np.sort(values)
    return bool((np.diff(values) == 1).all() and values[0] in ((0, 1) if not headed else values[:1]))


def _not_numeric(raw: RawTable, column: int, chosen: Chosen, error: NotNumeric) -> GenbenchError:
    name, cell = chosen.names[column], " ".join(str(error).split())
    other = COMMA if raw.decimal == POINT else POINT
    if number(tidy(cell), other) is not None:
        signs = {POINT: "point", COMMA: "comma"}
        return GenbenchError(
            f"{raw.where(error.row)}: '{cell}' in column '{name}' has a decimal {signs[other]}, "
            f"where other numbers have a {signs[raw.decimal]}; write all with one sign"
        )
    remedy = f"drop={_word(name)} leaves it out" + (
        f", label={_word(name)} makes it the class" * (chosen.label is None)
    )
    return GenbenchError(f"column '{name}' is not numeric ({raw.where(error.row)} holds '{cell}'); {remedy}")


def _word(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'


def _check_finite(raw: RawTable, values: Array, columns: list[int], names: tuple[str, ...]) -> None:
    """Raise a GenbenchError if values are missing or infinite; it names the first one."""
    empty = [name for name, column in zip(names, values.T, strict=True) if np.isnan(column).all()]
    if empty:
        raise GenbenchError(f"column '{empty[0]}' holds no values; drop={_word(empty[0])} leaves it out")
    for bad, reason in ((np.isnan(values), "NaN or missing values"), (np.isinf(values), "infinite values")):
        if bad.any():
            rows = bad.any(axis=1)
            row = int(rows.argmax())
            j = int(bad[row].argmax())
            cell = raw.cell(row, columns[j])
            place = f"{raw.where(row)}, column '{names[j]}'" + (f": '{cell}'" if cell else "")
            raise GenbenchError(
                f"{int(rows.sum())} of {len(values)} rows hold {reason} (first {place}); drop or impute them"
            )


def _shown(classes: tuple[str, ...]) -> str:
    pairs = ", ".join(f"{name} is {k}" for k, name in enumerate(classes[:FEW]))
    return pairs if len(classes) <= FEW else f"{pairs}, …, {len(classes)} in all"
