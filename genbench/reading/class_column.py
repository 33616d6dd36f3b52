"""A column of classes as labels."""

from __future__ import annotations

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.types import Labels
from genbench.reading.cells import is_missing, tidy
from genbench.reading.raw_table import RawTable

__all__ = ["classes_of"]


def classes_of(raw: RawTable, column: int, name: str) -> tuple[Labels, tuple[str, ...]]:
    """Return the class of each row [n], from 0, and the names of the classes, in order.

    Whole numbers are sorted as numbers, everything else as text.

    Raises:
        GenbenchError: a class is missing, a number is not whole, there is only one class, or hardly any rows have the
            same class.
    """
    cells = ["" if gone else tidy(str(cell)) for cell, gone in _cells(raw, column)]
    gone = [row for row, cell in enumerate(cells) if is_missing(cell)]
    if gone:
        where = raw.where(gone[0])
        raise GenbenchError(
            f"{where}: label '{name}' is missing, as in {len(gone)} of {len(cells)} rows; fill or remove them"
        )
    try:
        values = {cell: float(cell) for cell in set(cells)}
    except ValueError:  # words
        order: dict[str, float | str] = {cell: cell for cell in set(cells)}
    else:
        odd = next((row for row, cell in enumerate(cells) if not values[cell].is_integer()), None)
        if odd is not None:
            where = raw.where(odd)
            raise GenbenchError(f"{where}: label '{name}' is {cells[odd]}; classes are words or whole numbers")
        order = {**values}
    distinct = sorted(set(order.values()))
    if len(distinct) < 2 or 2 * len(distinct) > len(cells):
        raise GenbenchError(
            f"label '{name}' has {len(distinct)} classes in {len(cells)} rows; name a column with fewer, from 2"
        )
    number = {value: k for k, value in enumerate(distinct)}
    labels = np.array([number[order[cell]] for cell in cells], dtype=np.int64)
    return labels, tuple(str(int(v)) if isinstance(v, float) else str(v) for v in distinct)


def _cells(raw: RawTable, column: int) -> list[tuple[object, bool]]:
    cells = raw.cells.iloc[:, column]
    return list(zip(cells.tolist(), cells.isna().tolist(), strict=True))
