"""The choice of a table's columns: those with values, and the one with classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genbench.core.errors import GenbenchError, nearest

__all__ = ["Chosen", "Names", "choose"]

Names = str | int | Sequence[str | int] | None


@dataclass(frozen=True)
class Chosen:
    """Columns of a table by their numbers from 0.

    Attributes:
        names: names of all columns: the heading, or the number from 1 on if there is none.
        values: the columns with the points, in the order of the file or of the request.
        label: the column with the classes.
        asked: whether the values were named one by one.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    label: int | None
    asked: bool


def choose(
    headings: Sequence[str], label: str | int | None = None, columns: Names = None, drop: Names = None
) -> Chosen:
    """Return the columns that are asked for.

    A heading has priority over a number that is written in the same way. Columns without a heading, and columns whose
    heading repeats, have their number as name.

    Raises:
        GenbenchError: there is no such column, or no column is left.
    """
    names = tuple(_unique(headings))
    chosen = [_find(name, names) for name in _listed(columns)]
    dropped = {_find(name, names) for name in _listed(drop)}
    place = None if label is None else _find(label, names)
    left = chosen or [j for j in range(len(names)) if j != place]
    if place is not None and place in [*chosen, *dropped]:
        raise GenbenchError(f"column '{names[place]}' cannot be the label and in columns or drop; name it once")
    values = [j for j in dict.fromkeys(left) if j not in dropped]
    if not values:
        raise GenbenchError("no column is left; name fewer in drop, or more in columns")
    return Chosen(names, tuple(values), place, bool(chosen))


def _listed(names: Names) -> list[str | int]:
    if names is None:
        return []
    return [names] if isinstance(names, str | int) else list(names)


def _unique(headings: Sequence[str]) -> list[str]:
    repeated = {name for name in headings if headings.count(name) > 1}
    return [f"{name} ({j})" if name and name in repeated else name or str(j) for j, name in enumerate(headings, 1)]


def _find(name: str | int, names: Sequence[str]) -> int:
    text = str(name).strip()
    if text in names:
        return names.index(text)
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return int(text) - 1
    raise GenbenchError(f"has no column '{text}'{nearest(text, list(names))}")
