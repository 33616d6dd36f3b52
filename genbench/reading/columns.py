"""One column of a table as numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.reading.cells import POINT, TRUTHS, is_missing, number, tidy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXACT", "Column", "NotNumeric", "as_numbers"]

EXACT = 2**53  # whole numbers up to this one are float64s
CLOCK = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S")
DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y")  # dates with points have the day first
SLASHES = ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
_ISO = re.compile(r"\d{4}-\d{2}(-\d{2})?([T ]\d{2}(:?\d{2}){0,2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class Column:
    """A column that was read.

    Attributes:
        values: values [n], NaN where one is missing.
        note: how other values than plain numbers were read, such as "read as days since 2024-01-01".
        caution: what is lost, as text.
    """

    values: Array
    note: str = ""
    caution: str = ""


class NotNumeric(GenbenchError):
    """A cell of a column is not a number; `row` is its row, from 0."""

    def __init__(self, text: str, row: int) -> None:
        super().__init__(text)
        self.row = row


def as_numbers(cells: pd.Series[Any], decimal: str = POINT) -> Column:
    """Return a column of numbers, truth values, times, or text with these, as numbers.

    Truth values are 0 and 1. Dates and times are days since the earliest. Percentages are the numbers before the sign.

    Raises:
        NotNumeric: a cell is none of these; the message is the cell.
    """
    import pandas as pd

    kind = cells.dtype
    if pd.api.types.is_bool_dtype(kind):
        return Column(_floats(cells), "read as 0 for false and 1 for true")
    if pd.api.types.is_integer_dtype(kind):
        values = _floats(cells)
        lost = any(int(value) != float(value) for value in cells[np.abs(values) >= EXACT].dropna())
        return Column(values, caution=_inexact(lost))
    if pd.api.types.is_float_dtype(kind):
        return Column(_floats(cells))
    if pd.api.types.is_datetime64_any_dtype(kind):
        return _days(cells)
    if pd.api.types.is_timedelta64_dtype(kind):
        return Column(_in_days(cells), "read as days")
    missing = cells.isna()
    return _of_text([tidy(str(cell)) if not gone else "" for cell, gone in zip(cells, missing, strict=True)], decimal)


def _floats(cells: pd.Series[Any]) -> Array:
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def _of_text(cells: list[str], decimal: str) -> Column:
    """Return the numbers of tidy cells of text."""
    present = [cell for cell in cells if not is_missing(cell)]
    if present and all(cell.lower() in TRUTHS for cell in present):
        values = [TRUTHS.get(cell.lower(), np.nan) for cell in cells]
        return Column(np.array(values, dtype=np.float64), "read as 0 for false or no and 1 for true or yes")
    percent = bool(present) and all(cell.endswith("%") for cell in present)
    amounts = [cell.removesuffix("%").rstrip() for cell in cells] if percent else cells
    numbers = [np.nan if is_missing(cell) else number(cell, decimal) for cell in amounts]
    odd = next((row for row, value in enumerate(numbers) if value is None), None)
    if odd is None:
        found = np.array(numbers, dtype=np.float64)
        lost = any(_digits_lost(amounts[i]) for i in np.flatnonzero(np.abs(found) >= EXACT))
        return Column(found, "read in percent" if percent else "", _inexact(lost))
    dates = _dates(cells)
    if dates is None:
        raise NotNumeric(cells[odd], odd)
    return _days(dates)


def _digits_lost(cell: str) -> bool:
    digits, value = cell.lstrip("+-"), float(cell)
    return digits.isdecimal() and math.isfinite(value) and int(digits.lstrip("0") or "0") != abs(int(value))


def _inexact(lost: bool) -> str:
    return "holds whole numbers beyond 2^53, which are not kept to the last digit" if lost else ""


def _dates(cells: list[str]) -> pd.Series[Any] | None:
    """Return the times that all cells write, in one form; None if they do not.

    Raises:
        NotNumeric: days and months cannot be distinguished.
    """
    import pandas as pd

    series = pd.Series([None if is_missing(cell) else cell for cell in cells], dtype=object)
    present = series.dropna()

    def read(form: str) -> pd.Series[Any] | None:
        try:
            return pd.Series(pd.to_datetime(series, format=form, utc=True))
        except (ValueError, OverflowError):  # OutOfBoundsDatetime is a ValueError
            return None

    if all(_ISO.fullmatch(cell) for cell in present):
        return read("ISO8601")
    for day in DAYS:
        for clock in CLOCK:
            if (found := read(day + clock)) is not None:
                return found
    both = [(day, found) for day in SLASHES for clock in CLOCK if (found := read(day + clock)) is not None]
    if len(both) == 2 and not both[0][1].equals(both[1][1]):
        raise NotNumeric(f"{present.iloc[0]}, whose day and month cannot be distinguished; write 2024-12-31", 0)
    return both[0][1] if both else None


def _days(times: pd.Series[Any]) -> Column:
    """Return days since the earliest of some times, to the nearest float64."""
    first = times.min()
    since = str(first).removesuffix("+00:00").removesuffix(" 00:00:00")
    return Column(_in_days(times - first), f"read as days since {since}")


def _in_days(spans: pd.Series[Any]) -> Array:
    return spans.to_numpy() / np.timedelta64(1, "D")
