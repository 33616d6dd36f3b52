"""A leaderboard as text: what each cell of each table says, decided once for all formats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import rankings
from genbench.analysis.scores import Row, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.display import formatting
from genbench.display.ranking_view import RankingView, ranking_view

__all__ = [
    "BoardView",
    "Column",
    "TableCell",
    "TableRow",
    "TableView",
    "board_view",
    "columns",
    "table_view",
]

Kind = Literal["model", "seeds", "score", "cost", "failures", "family", "likelihood"]

COSTS = {  # heading, and what it is
    "train_seconds": ("train s", "Seconds of training, wall time"),
    "compute": ("compute s", "What training computed, in seconds of the reference machine, whatever this one is"),
    "samples_per_second": ("samples/s", "Samples drawn in a second"),
    "parameters": ("parameters", "Parameters that are learnt"),
    "nfe": ("NFE", "Network evaluations a sample"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table; a format chooses its columns by their kind."""

    name: str
    label: str
    kind: Kind
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""  # of a score
    help: str = ""  # a sentence
    by_likelihood: bool = False  # whether kinds of likelihood stay apart when a table is sorted by it
    ratio: bool = False  # whether quotients by the oracle's score are worth a column of their own

    @property
    def numeric(self) -> bool:
        """Whether it is sorted as numbers."""
        return self.kind not in ("model", "family", "likelihood")


@dataclass(frozen=True)
class TableCell:
    """A cell of a table."""

    text: str
    value: float | str | None = None  # what it is sorted by; None comes last, and before it infinite scores
    mark: Literal["best", "tie", ""] = ""  # of a score
    ratio: str = ""  # quotient by the oracle's score with its interval
    beside: str = ""  # that quotient and the oracle's score, or the latter alone
    group: int | None = None  # cells of one group stay together when a table is sorted


@dataclass(frozen=True)
class TableRow:
    """A row of a table: a model or a control on one dataset, a cell for each column."""

    model: str
    dataset: str
    family: str
    role: str
    flagged: bool
    failed: bool  # whether any of its trials failed
    cells: Sequence[TableCell]

    @property
    def dimmed(self) -> bool:
        """Whether it is a control or the oracle, which do not compete."""
        return self.role != "model"


@dataclass(frozen=True)
class TableView:
    """A table of one dataset, and the sentences above and below it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    sorted_by: str = ""  # name of a column
    interval: str = ""  # what follows ± in a score
    notes: Sequence[str] = ()  # differences that the scores resolve, and where their spread comes from
    flags: Sequence[str] = ()  # warnings about scores

    def select(self, *kinds: Kind) -> TableView:
        """Return the table with the columns of some kinds, in this order."""
        order = [i for kind in kinds for i, column in enumerate(self.columns) if column.kind == kind]
        rows = [replace(row, cells=[row.cells[i] for i in order]) for row in self.rows]
        return replace(self, columns=[self.columns[i] for i in order], rows=rows)


@dataclass(frozen=True)
class BoardView:
    """A leaderboard: a table for each dataset and task, the rankings over datasets, and what the marks mean."""

    tables: Sequence[TableView]
    rankings: Sequence[RankingView]
    order: str  # what it is sorted by
    notes: Sequence[str]  # on likelihoods and on single seeds

    def legend(self, best: str, tie: str) -> list[str]:
        """Return what the marks mean, for a format that marks the best model by `best` and ties with it by `tie`."""
        marks = f"{best} best model; {tie} a tie with it (paired t-tests over seeds, 5 %, Holm's correction); "
        return [line for line in (self.order, f"{marks}controls do not compete.", *self.notes) if line]


def board_view(board: Leaderboard, metrics: Literal["main", "scored"] | Sequence[str] = "scored") -> BoardView:
    """Return a leaderboard as text.

    Args:
        metrics: names; or "main", those that a terminal shows; or "scored", all that any row of a table has.
    """
    tables = []
    for place in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == place]
        names = metrics
        if names == "main":
            names = formatting.main_metrics(rows, board.metrics)
        elif names == "scored":
            names = [name for name in board.metrics if any(row.metrics.get(name) for row in rows)]
        notes = [formatting.resolution_line(board, place, names), *formatting.components_lines(board, place, names)]
        tables.append(replace(table_view(place, rows, names, board.sort), notes=[note for note in notes if note]))
    return BoardView(
        tables=tables,
        rankings=[ranking_view(one) for one in rankings(board)],
        order=f"Sorted by {board.sort} (▲)." if board.sort else "",
        notes=formatting.legend_notes(board),
    )


def table_view(title: str, rows: Sequence[Row], metrics: Sequence[str], sort: str | None) -> TableView:
    """Return the table of some rows, in their order, with a column of each kind."""
    several = any(row.seeds > 1 for row in rows)
    return TableView(
        title=title,
        columns=columns(metrics, rows),
        rows=[_row(row, metrics, _costs(rows)) for row in rows],
        sorted_by=sort if sort and sort in metrics else "",
        interval="mean ± half-width of the 95 % interval over seeds" if several else "one seed, ± standard error",
        flags=[flag for row in rows for flag in formatting.flag_lines(row)],
    )


def columns(metrics: Sequence[str], rows: Sequence[Row] = ()) -> list[Column]:
    """Return the columns of a table, those of some metrics among them."""
    return [
        Column("model", "model", "model"),
        Column("seeds", "seeds", "seeds", help="Seeds without a failure, and of how many if some failed"),
        *(_score_column(name, rows) for name in metrics),
        *(Column(name, COSTS[name][0], "cost", help=COSTS[name][1]) for name in _costs(rows)),
        Column("failures", "failures", "failures", help="Trials that failed, and how"),
        Column("family", "family", "family"),
        Column("log-likelihood", "log-likelihood", "likelihood"),
    ]


def _score_column(name: str, rows: Sequence[Row]) -> Column:
    card = card_of(name)
    ratio = any(cell.ratio is not None for row in rows if (cell := row.metrics.get(name)))
    ratio = ratio and not card.higher_is_better  # shares need no quotient
    better: Literal["lower", "higher"] = "higher" if card.higher_is_better else "lower"
    about = card.summary if card.factory else ""
    return Column(name, card.label, "score", card.unit, better, about, card.by_likelihood, ratio)


def _costs(rows: Sequence[Row]) -> list[str]:
    """Return the costs that are worth a column: all, but for compute, where it was measured; older trials have none."""
    return [name for name in COSTS if name != "compute" or any(row.cost[name] is not None for row in rows)]


def _row(row: Row, metrics: Sequence[str], costs: Sequence[str]) -> TableRow:
    cells = [
        TableCell(row.model, row.model),
        TableCell(formatting.seeds(row), row.seeds),
        *(_score(row, name) for name in metrics),
        *(TableCell(formatting.amount(cost := row.cost[name]), cost) for name in costs),
        TableCell(formatting.failures(row), row.failed),
        TableCell(row.family, row.family),
        TableCell(row.likelihood, row.likelihood),
    ]
    facts = {"model": row.model, "dataset": row.dataset, "family": row.family, "role": row.role}
    return TableRow(**facts, flagged=bool(row.flags), failed=bool(row.failed), cells=cells)


def _score(row: Row, name: str) -> TableCell:
    cell = row.metrics.get(name)
    if cell is None:
        return TableCell(formatting.value(row, name, cell))
    return TableCell(
        text=formatting.value(row, name, cell),
        value=cell.mean if math.isfinite(cell.mean) else -math.inf if card_of(name).higher_is_better else math.inf,
        mark="" if not cell.best else "tie" if cell.tie else "best",
        ratio=formatting.quotient(cell),
        beside=formatting.beside_oracle(name, cell),
        group=LIKELIHOODS.index(row.likelihood) if card_of(name).by_likelihood else None,
    )
