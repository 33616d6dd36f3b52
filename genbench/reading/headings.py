"""Whether the first row of a text table has the names of its columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from genbench.reading.cells import COMMA, POINT, Kind, kind_of, number, tidy

__all__ = ["has_headings"]

CHANCE = 0.01  # two or more numbers in a row of steps that are less probable than this as values; by hand
YEARS = (1800, 2200)

Row = Sequence[str]


def has_headings(first: Row, rest: Sequence[Row]) -> tuple[bool, bool]:
    """Return whether the first row has names, and whether that is doubtful.

    A word above a column of numbers, dates or truth values is a name. Whole numbers are names if every column below is
    written with decimals. They are also names if they are 0, 1, 2, … or 1, 2, 3, … or years in equal steps, and
    improbable as values: no other row has such steps, and one column is written with decimals, or all its values are
    far away, or the product of the shares of these numbers in their columns is less than 1/100.

    Args:
        first: the cells of the first row.
        rest: the cells of the following rows.
    """
    columns = [[row[j] for row in rest if j < len(row)] for j in range(len(first))]
    kinds: list[Kind] = [kind_of(cell) for cell in first]
    usual = [_usual([kind_of(cell) for cell in column]) for column in columns]
    words = [(kind, below) for kind, below in zip(kinds, usual, strict=True) if kind in ("word", "date", "truth")]
    if any(below and kind not in below for kind, below in words):
        return True, False
    if all(kind in ("word", "missing") for kind in kinds) and words:
        return True, False
    return (False, False) if len(rest) < 2 else _numbers_are_names(first, kinds, columns)


def _numbers_are_names(first: Row, kinds: Sequence[Kind], columns: Sequence[Row]) -> tuple[bool, bool]:
    """Return the same for a first row without words; one of its cells may be empty, above a column that is not."""
    named = [j for j, kind in enumerate(kinds) if kind == "whole"]
    empty = [j for j, kind in enumerate(kinds) if kind == "missing"]
    if not named or len(named) + len(empty) < len(first) or len(empty) > 1:
        return False, False
    values = [int(tidy(first[j])) for j in named]
    if len(set(values)) < len(values) or any(kind_of(cell) == "missing" for j in empty for cell in columns[j]):
        return False, False
    below = [columns[j] for j in named]
    if all(map(_with_decimals, below)):
        return True, not empty
    regular = list(values) in (list(range(len(values))), list(range(1, len(values) + 1)))
    if not (regular or (_years(values) and _even(values))):
        return bool(empty), bool(empty)
    return bool(empty) or _improbable(values, below), not empty


def _usual(kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """Return the kinds that most cells of a column are of, if that is numbers, dates or truth values."""
    groups: tuple[tuple[Kind, ...], ...] = (("whole", "number"), ("date",), ("truth",))
    seen = [kind for kind in kinds if kind != "missing"]
    return next((group for group in groups if seen and sum(k in group for k in seen) > len(seen) / 2), ())


def _improbable(values: Sequence[int], columns: Sequence[Row]) -> bool:
    """Return whether whole numbers that look like names can hardly be values of the columns below."""
    below = [[_either(tidy(cell)) for cell in column] for column in columns]
    found = [[value for value in column if value is not None and math.isfinite(value)] for column in below]
    pairs = list(zip(values, found, strict=True))
    if not all(found) or (_years(values) and all(map(_years, found))) or any(_counts(v, column) for v, column in pairs):
        return False
    if any(_far(v, column) for v, column in pairs):
        return True
    steps = [b - a for a, b in pairwise(values)]
    if steps and sum([b - a for a, b in pairwise(row)] == steps for row in zip(*found, strict=False)) > 1:
        return False
    if any(map(_with_decimals, columns)):
        return True
    chance = math.prod((column.count(v) + 1) / (len(column) + 2) for v, column in pairs)
    return len(values) > 1 and chance < CHANCE


def _counts(value: int, column: Sequence[float]) -> bool:
    """Return whether a column counts on from a value."""
    return len(column) > 1 and list(column) == [value + i for i in range(1, len(column) + 1)]


def _either(cell: str) -> float | None:
    """Return the number that a cell writes with a decimal point, or else a comma."""
    value = number(cell, POINT)
    return number(cell, COMMA) if value is None else value


def _with_decimals(column: Row) -> bool:
    """Return whether all numbers of a column are written with decimals."""
    return all(kind_of(cell) != "whole" for cell in column)


def _years(values: Sequence[float]) -> bool:
    return all(YEARS[0] <= value <= YEARS[1] for value in values)


def _even(values: Sequence[float]) -> bool:
    """Return whether values rise in equal steps."""
    steps = {b - a for a, b in pairwise(values)}
    return len(steps) <= 1 and all(step > 0 for step in steps)


def _far(value: float, column: Sequence[float]) -> bool:
    """Return whether a value is farther from a column's range than that is wide."""
    low, high = min(column), max(column)
    return value < 2 * low - high or value > 2 * high - low
