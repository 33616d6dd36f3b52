"""Tables on a terminal, by rich. A wide table is shown in several parts."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, Literal

from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from genbench.core.console import as_shown

__all__ = ["console", "empty_table"]

WIDEST = 10_000  # letters; more than any line has
LEGIBLE = 20  # letters of a line of wrapped text; by hand: three or four words


def console(width: int = 180, plain: bool = False) -> Console:
    """Return the console. It has the width of the terminal, or else `width` characters.

    Args:
        plain: whether to write no colours, even on a terminal.
    """
    colours: Literal["auto"] | None = None if plain else "auto"
    return _Console(width=None if Console().is_terminal else width, highlight=False, color_system=colours)


class _Console(Console):
    """A console that lays out texts as it can write them, and parts tables that are too wide for it."""

    def render_str(self, text: str, **style: Any) -> Text:
        return super().render_str(as_shown(text, self.encoding), **style)

    def print(self, *objects: Any, **how: Any) -> None:
        for one in objects:
            for part in _parts(one, self) if isinstance(one, _Table) else [one]:
                super().print(part, **how)


class _Table(Table):
    """A table that may be parted.

    Attributes:
        keys: how many of its first columns say what a row is about.
        belongs: places of columns that say something of the column before them, and mean nothing without it.
    """

    keys = 1
    belongs: Container[int] = ()


def empty_table(
    headings: Sequence[str],
    *,
    title: str = "",
    left: Container[str] = (),
    wrapped: Container[str] = (),
    dim: Container[str] = (),
    lines: bool = True,
    keys: int = 1,
    belongs: Container[int] = (),
) -> Table:
    """Return a table without rows.

    Some of its columns are aligned to the left, wrap their text, or are dimmed.

    Args:
        keys: number of first columns that identify a row; they are repeated in each part of a table that is too wide.
        belongs: places of columns that belong to the one before them; no part begins with them.
    """
    box = HEAVY_HEAD if lines else None
    table = _Table(title=escape(title) or None, title_justify="left", box=box, pad_edge=lines)
    table.keys, table.belongs = keys, belongs
    for name in headings:
        table.add_column(
            escape(name),
            justify="left" if name in left else "right",
            no_wrap=name not in wrapped,
            style="dim" if name in dim else None,
        )
    return table


def _parts(table: _Table, out: Console) -> list[Table]:
    """Return a table as it is where it fits on a console, else in parts, each with as many columns as fit."""
    widths = [_width(column, out) for column in table.columns]

    def fits(columns: Sequence[int]) -> bool:
        n = len(columns)
        frame = 2 * n + (n + 1 if table.box else 0)  # a space on each side of a cell, and lines
        return frame + sum(widths[k] for k in columns) <= out.width

    if len(widths) <= table.keys or fits(range(len(widths))):
        return [table]
    keys = list(range(table.keys))
    groups: list[list[int]] = []
    for unit in _units(table):
        if groups and fits([*keys, *groups[-1], *unit]):
            groups[-1] += unit
            continue
        groups.append(unit[:1])
        for column in unit[1:]:  # which are parted themselves if need be, each part with the first, or its heading
            if fits([*keys, *groups[-1], column]):
                groups[-1].append(column)
            else:
                groups.append([unit[0], column] if fits([*keys, unit[0], column]) else [column])
    parts = [_part(table, [*keys, *group], _title(table, group, first=k == 0)) for k, group in enumerate(groups)]
    for part, group in zip(parts, groups, strict=True):
        if not fits([*keys, *group]):  # a single column beside a long name: fold what is too long, cut nothing
            for one in part.columns:
                one.no_wrap, one.overflow = False, "fold"
    return parts


def _units(table: _Table) -> list[list[int]]:
    """Return the places of columns that stay together: one, and those that belong to it."""
    units: list[list[int]] = []
    for column in range(table.keys, len(table.columns)):
        if units and column in table.belongs:
            units[-1].append(column)
        else:
            units.append([column])
    return units


def _width(column: Column, out: Console) -> int:
    """Return the letters that a column needs: those of its longest cell, or a legible part of these if it wraps."""
    wide = out.options.update(width=WIDEST)
    longest = max(Measurement.get(out, wide, cell).maximum for cell in (column.header, *column.cells))
    return longest if column.no_wrap else min(longest, LEGIBLE)


def _title(table: _Table, group: Sequence[int], first: bool) -> str | None:
    """Return the title of a part: that of the table, and from the second part on what it continues."""
    lead = group[0]
    while lead > table.keys and lead in table.belongs:
        lead -= 1
    of = "" if lead == group[0] else f"of {table.columns[lead].header}"
    more = "" if first else ", ".join(filter(None, ["continued", of]))
    return " ".join(filter(None, [str(table.title or ""), f"({more})" if more and (table.title or of) else ""])) or None


def _part(table: Table, columns: Sequence[int], title: str | None) -> Table:
    """Return some columns of a table, with all its rows."""
    part = Table(title=title, title_justify="left", box=table.box, pad_edge=table.pad_edge)
    for k in columns:
        one = table.columns[k]
        part.add_column(one.header, justify=one.justify, no_wrap=one.no_wrap, style=one.style)
    cells = [list(table.columns[k].cells) for k in columns]
    for row, line in zip(table.rows, zip(*cells, strict=True), strict=True):
        part.add_row(*line, style=row.style)
    return part
