"""The tables of a page: rows of a leaderboard, with links, aligned numbers and bars."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from genbench.display.numbers import LARGE, brief
from genbench.display.table_view import Kind, TableCell, TableRow, TableView
from genbench.report.alignment import paddings
from genbench.report.bars import Bar, bars

__all__ = ["SHOWN", "Line", "Sheet", "sheet"]

SHOWN: tuple[Kind, ...] = ("score", "verdict", "seeds", "cost", "failures", "family")  # after the column of the models
FOLDED: tuple[Kind, ...] = ("seeds", "cost", "failures", "family")  # those that a button unfolds


@dataclass(frozen=True)
class PageCell:
    """A cell with its bar, its quotient by the oracle's score, and invisible text.

    The invisible text aligns the two numbers.
    """

    cell: TableCell
    padding: str
    bar: Bar | None
    times: str
    times_padding: str


@dataclass(frozen=True)
class Line:
    """A row of a table, and the address of the model's name.

    In a table of several runs, it also has its run and page.

    Attributes:
        failures: how many of its trials failed, and how; "" if none did.
        mark: whether the run was submitted, and whether it was repeated here, as text.
    """

    row: TableRow
    cells: list[PageCell]
    href: str
    failures: str
    run: str = ""
    run_href: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table, its id, and its rows with their links."""

    table: TableView
    id: str
    lines: list[Line]

    @property
    def folded(self) -> list[bool]:
        """Which columns are folded; a button shows them."""
        return [column.kind in FOLDED for column in self.table.columns]

    @property
    def leader(self) -> str:
        """The best models by the metric by which the table is sorted; "" if there are none."""
        names = [column.name for column in self.table.columns]
        if self.table.sorted_by not in names:
            return ""
        place = names.index(self.table.sorted_by)
        return ", ".join(line.row.model for line in self.lines if line.cells[place].cell.mark == "best")


def sheet(table: TableView, identifier: str, hrefs: Sequence[str]) -> Sheet:
    """Return a table in the form of a page; `hrefs` are the links of models' names, by row."""
    competing = [not row.dimmed for row in table.rows]
    cells: list[list[PageCell]] = [[] for _ in table.rows]
    failures = [""] * len(table.rows)
    for k, column in enumerate(table.columns):
        its = [row.cells[k] for row in table.rows]
        aligned = paddings([cell.text for cell in its]) if column.kind in ("score", "cost") else [""] * len(its)
        drawn = bars(its, competing) if column.ratio else [None] * len(its)
        times = [_quotient(cell.times[0]) if cell.times else "" for cell in its]
        facts = zip(its, aligned, drawn, times, paddings(times), strict=True)
        for line, cell in zip(cells, itertools.starmap(PageCell, facts), strict=True):
            line.append(cell)
        if column.name == "failures":
            failures = [cell.text for cell in its]
    lines = [Line(*each) for each in zip(table.rows, cells, hrefs, failures, strict=True)]
    return Sheet(table, identifier, lines)


def _quotient(value: float) -> str:
    """Return a quotient in three digits or more: 1.32, 12.3, 2,485."""
    if not 0 < value < LARGE:
        return brief(value, 3)
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
