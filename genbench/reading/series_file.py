"""A series in a file: a column of values and, if there is one, a column of time.

Time is given by dates, or by numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.reading.column_choice import choose
from genbench.reading.columns import NotNumeric, as_numbers
from genbench.reading.raw_table import RawTable, raw_table, table_path
from genbench.reading.time_axis import dates_of, equal_steps, numbered_steps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SeriesFile", "is_dated_series", "read_series"]


@dataclass(frozen=True)
class SeriesFile:
    """A series from a file: values [n], the name of the column, and notes in one line.

    The notes say how the file was read.
    """

    values: Array
    column: str
    summary: str


def read_series(path: str, column: str | int | None = None, time: str | int | None = None) -> SeriesFile:
    """Read a series from a text file, a .npy or .npz file, or a Parquet file.

    Args:
        path: the file.
        column: heading, or number from 1 on, of the column with values. Unless given, it is the only column, or the one
            besides the time.
        time: the column of dates, or of numbers that count time. Unless given, it is the only one of dates, or the
            first of two columns. Its steps must be equal: by the clock, by months or years, or by working days.

    Raises:
        GenbenchError: the file cannot be read, it is not clear which columns are meant, values are missing or not
            numbers, or a step is missing; the message names the place.
    """
    file = table_path(path)
    try:
        return _series(raw_table(file), column, time)
    except GenbenchError as error:
        text = str(error)
        raise GenbenchError(text if text.startswith(str(file)) else f"{file}: {text}") from None


def is_dated_series(file: Path) -> bool:
    """Whether a file has just two columns, one of them dates in rising order."""
    try:
        raw = raw_table(file)
        if raw.cells.shape[1] != 2:
            return False
        dates = [_dates(raw, j) for j in range(2)]
    except GenbenchError:
        return False
    found = [d for d in dates if d is not None]
    return len(found) == 1 and bool(found[0].is_monotonic_increasing and found[0].is_unique)


def _series(raw: RawTable, column: str | int | None, time: str | int | None) -> SeriesFile:
    names = choose(raw.headings).names
    place = {name: choose(raw.headings, columns=name).values[0] for name in (column, time) if name is not None}
    at = None if time is None else place[time]
    if at is None:
        others = [j for j in range(len(names)) if column is None or j != place[column]]
        dated = [j for j in others if _dates(raw, j) is not None]
        if len(names) > 1 and (dated or len(names) == 2):
            at = (dated or others)[0]
    values_at = _value_column(names, at, None if column is None else place[column])
    try:
        values = as_numbers(raw.cells.iloc[:, values_at], raw.decimal).values
    except NotNumeric as error:
        raise GenbenchError(f"column '{names[values_at]}': {raw.where(error.row)} holds '{error}'; fix it") from None
    if (bad := np.flatnonzero(~np.isfinite(values))).size:
        where = raw.where(int(bad[0]))
        raise GenbenchError(
            f"{len(bad)} of {len(values)} values are missing or infinite, the first in {where}; a series has no gaps: "
            "fill them in"
        )
    said = f"a series of {len(values):,} values of '{names[values_at]}'"
    if at is None:
        return SeriesFile(values, names[values_at], f"{said}, in the order of the file")
    try:
        steps = _steps(raw, at, names[at])
    except GenbenchError as error:
        if time is not None or _dates(raw, at) is not None:
            raise
        raise GenbenchError(f"{error}; or, if '{names[at]}' is no time, give a file without it") from None
    return SeriesFile(values, names[values_at], f"{said}, one a step {steps} (column '{names[at]}')")


def _value_column(names: tuple[str, ...], time: int | None, asked: int | None) -> int:
    """Return the column of the values.

    Raises:
        GenbenchError: several are left.
    """
    if asked is not None:
        if asked == time:
            raise GenbenchError(f"column '{names[asked]}' cannot be both the values and the time; name another")
        return asked
    left = [j for j in range(len(names)) if j != time]
    if len(left) != 1:
        shown = ", ".join(f"'{names[j]}'" for j in left[:6])
        raise GenbenchError(
            f"has {len(left)} columns beside the time ({shown}); name the values: column={names[left[0]]}"
        )
    return left[0]


def _steps(raw: RawTable, column: int, name: str) -> str:
    """Return how the time steps; a GenbenchError says where it does not."""
    dates = _dates(raw, column, compact=True)
    if dates is not None:
        return equal_steps(dates, f"column '{name}'", raw.where)
    try:
        times = as_numbers(raw.cells.iloc[:, column], raw.decimal).values
    except NotNumeric as error:
        where = raw.where(error.row)
        raise GenbenchError(f"column '{name}': {where} holds '{error}', no date; write dates as 2024-01-31") from None
    return numbered_steps(times, f"column '{name}'", raw.where)


def _dates(raw: RawTable, column: int, compact: bool = False) -> pd.DatetimeIndex | None:
    """Return a column as dates, or None if it holds none."""
    import pandas as pd

    cells: pd.Series[Any] = raw.cells.iloc[:, column]
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return pd.DatetimeIndex(cells)
    if pd.api.types.is_numeric_dtype(cells.dtype) and not (compact and pd.api.types.is_integer_dtype(cells.dtype)):
        return None
    return dates_of([str(cell) for cell in cells], f"column '{raw.headings[column] or column + 1}'", compact)
