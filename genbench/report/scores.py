"""The leaderboard as a page shows it: tables of cells, each with its text, its sign, and what it is sorted by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import Overall, overall
from genbench.analysis.scores import Cell, Row, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.display import formatting
from genbench.report.links import Anchors

__all__ = ["Column", "Datum", "Line", "Sheet", "beside", "columns_of", "line_of", "ranking", "sheets"]

TITLES = {
    "train_seconds": "Seconds of training, wall time",
    "samples_per_second": "Samples drawn in a second",
    "parameters": "Parameters that are learnt",
    "nfe": "Network evaluations a sample",
}


@dataclass(frozen=True)
class Column:
    """A column: its heading, its unit, and in which direction it is better, "lower", "higher" or ""."""

    name: str
    label: str
    unit: str = ""
    better: str = ""
    title: str = ""
    apart: bool = False  # whether likelihood kinds stay apart when it is sorted
    numbers: bool = True


@dataclass(frozen=True)
class Datum:
    """A cell: what it says, what it is sorted by ("" comes last), and how it stands ("best", "tie" or "").

    `below` is what it is beside the oracle's score, and `kind` the place of its kind of likelihood in the order of
    kinds, where these are not mixed.
    """

    text: str
    key: str = ""
    mark: str = ""
    below: str = ""
    kind: int | None = None


@dataclass(frozen=True)
class Line:
    """A row of a table: a model, where it leads, and its cells."""

    model: str
    dataset: str
    family: str
    role: str
    href: str
    flagged: bool
    cells: list[Datum]


@dataclass(frozen=True)
class Sheet:
    """A table with its heading, what it is sorted by, and the notes below it."""

    title: str
    id: str
    columns: list[Column]
    lines: list[Line]
    sorted_by: str
    notes: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    several_seeds: bool = True


def sheets(board: Leaderboard, anchors: Anchors) -> list[Sheet]:
    """Return a table for each dataset of a leaderboard, with the columns that `genbench leaderboard` shows."""
    found = []
    for place in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == place]
        metrics = formatting.main_metrics(rows, board.metrics)
        lines = [line_of(row, metrics, anchors.link(place, row.model)) for row in rows]
        notes = [formatting.resolution_line(board, place, metrics), *formatting.components_lines(board, place, metrics)]
        found.append(
            Sheet(
                place,
                anchors.id("table", place),
                columns_of(metrics),
                lines,
                board.sort if board.sort in metrics else "",
                [note for note in notes if note],
                [flag for row in rows for flag in formatting.flag_lines(row)],
                any(row.seeds > 1 for row in rows),
            )
        )
    return found


def columns_of(metrics: Sequence[str]) -> list[Column]:
    """Return the columns of a table: seeds, some metrics, costs, failures, family."""
    return [
        Column("seeds", "seeds", title="Seeds without a failure, and of how many if some failed"),
        *(_column(name) for name in metrics),
        *(Column(name, label, title=TITLES.get(name, "")) for name, label in formatting.COSTS.items()),
        Column("failures", "failures", title="Trials that failed, and how"),
        Column("family", "family", numbers=False),
    ]


def line_of(row: Row, metrics: Sequence[str], href: str) -> Line:
    """Return a row of the leaderboard as a line; `href` is where its name leads."""
    failures = ", ".join(f"{n} {status}" for status, n in row.statuses.items() if status != "ok")
    cells = [Datum(formatting.seeds(row), str(row.seeds))]
    cells += [_score(row, name) for name in metrics]
    cells += [Datum(formatting.amount(value := row.cost[name]), _key(value)) for name in formatting.COSTS]
    cells += [Datum(failures, str(row.failed)), Datum(row.family, row.family)]
    return Line(row.model, row.dataset, row.family, row.role, href, bool(row.flags), cells)


def ranking(board: Leaderboard) -> list[tuple[Overall, list[list[str]], str]]:
    """Return each ranking over all datasets with its lines (model, mean, rank, wins) and what tests say."""
    tables = []
    for one in overall(board):
        lines = [
            [
                standing.model,
                formatting.estimate(standing.iqm),
                f"{standing.rank:.2f}",
                f"{100 * standing.improvement.value:.0f} %" if standing.improvement else "–",
            ]
            for standing in one.standings
        ]
        tables.append((one, lines, formatting.rank_line(one)))
    return tables


def _column(name: str) -> Column:
    card = card_of(name)
    better, title = "higher" if card.higher_is_better else "lower", card.summary if card.factory else ""
    return Column(name, formatting.label(name), card.unit, better, title, card.by_likelihood)


def _score(row: Row, name: str) -> Datum:
    cell = row.metrics.get(name)
    kind = LIKELIHOODS.index(row.likelihood) if card_of(name).by_likelihood else None
    if cell is None:
        return Datum("–")
    mark = ("tie" if cell.tie else "best") if cell.best else ""
    return Datum(formatting.value(row, name, cell), _key(cell.mean), mark, beside(name, cell), kind)


def beside(name: str, cell: Cell) -> str:
    """Return what the oracle has in a metric, and the quotient of a score by it, as text; "" without one."""
    if cell.floor is None:
        return ""
    floor = f"{cell.floor:.3g}"
    quotient = "" if card_of(name).higher_is_better else formatting.quotient(cell)  # shares speak for themselves
    return f"{quotient} × {floor}" if quotient else f"oracle {floor}"


def _key(number: float | None) -> str:
    return "" if number is None else json.dumps(number)
