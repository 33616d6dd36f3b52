"""Small bars of scores relative to the oracle's, with intervals, on one scale per column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genbench.display.table_view import TableCell

__all__ = ["WIDTH", "Bar", "bars"]

WIDTH = 64  # of a bar, in units of its drawing
LEAST, MOST = 0.8, 2.0  # quotients that every scale has room for, so that small differences look small


@dataclass(frozen=True)
class Bar:
    """A bar from the oracle's score, at `one`, to a score, at `end`.

    The interval is from `low` to `high`.
    """

    one: float
    end: float
    low: float
    high: float

    @property
    def start(self) -> float:
        """The left end of the bar; a score may be below the oracle's."""
        return min(self.one, self.end)

    @property
    def length(self) -> float:
        """The length of the bar."""
        return abs(self.end - self.one)


def bars(cells: Sequence[TableCell], competing: Sequence[bool]) -> list[Bar | None]:
    """Return a bar for each cell of a column that has a quotient, on a logarithmic scale.

    Args:
        competing: which cells are of models. The scale has room for these; bars of controls may end at its edge.
    """
    quotients = [cell.times if cell.times and 0 < cell.times[0] < math.inf else None for cell in cells]
    shown = [times[0] for times, competes in zip(quotients, competing, strict=True) if times and competes]
    low, high = math.log(min([LEAST, *shown])), math.log(max([MOST, *shown]))

    def place(quotient: float) -> float:
        inside = min(max(math.log(quotient), low), high) if quotient > 0 else low
        return round(WIDTH * (inside - low) / (high - low), 1)

    found: list[Bar | None] = []
    for times in quotients:
        if times is None:
            found.append(None)
        else:
            value, *ends = times
            least, most = (value if end is None or math.isnan(end) else end for end in ends)
            found.append(Bar(one=place(1.0), end=place(value), low=place(least), high=place(most)))
    return found
