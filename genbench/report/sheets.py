"""The tables of a page: rows of a leaderboard with the addresses that their names lead to."""

from __future__ import annotations

from dataclasses import dataclass

from genbench.display.table_view import BoardView, Kind, TableRow, TableView
from genbench.report.links import Links

__all__ = ["SHOWN", "Line", "Sheet", "sheets"]

SHOWN: tuple[Kind, ...] = ("seeds", "score", "verdict", "cost", "failures", "family")  # after the column of the models


@dataclass(frozen=True)
class Line:
    """A row of a table, where the model's name leads, and in a table of several runs the run and its page.

    Attributes:
        mark: whether the run was submitted, and repeated here, in words.
    """

    row: TableRow
    href: str
    run: str = ""
    run_href: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table, the id of its heading, and its rows with their links."""

    table: TableView
    id: str
    lines: list[Line]


def sheets(view: BoardView, links: Links) -> list[Sheet]:
    """Return a table for each dataset of a leaderboard."""
    found = []
    for table in view.tables:
        part = table.select(*SHOWN)
        lines = [Line(row, links.link(table.title, row.model)) for row in part.rows]
        found.append(Sheet(table=part, id=links.id("table", table.title), lines=lines))
    return found
