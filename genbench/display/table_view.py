"""A leaderboard as text: the content of each cell, the same for all formats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import rankings
from genbench.analysis.scores import Row, Verdict, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.display import formatting, verdicts
from genbench.display.chosen_columns import Chosen, asked_columns, by_first
from genbench.display.power_words import more_seeds
from genbench.display.ranking_view import RankingView, ranking_view
from genbench.display.sentences import Outlook, conclusion

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

Kind = Literal["model", "seeds", "score", "verdict", "cost", "failures", "family", "likelihood"]

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
        """Whether the column is sorted as numbers."""
        return self.kind not in ("model", "family", "likelihood")  # verdicts by how much worse a model may be


@dataclass(frozen=True)
class TableCell:
    """A cell of a table."""

    text: str
    value: float | str | None = None  # what it is sorted by; None comes last, and before it infinite scores
    mark: Verdict | Literal[""] = ""  # of a score
    ratio: str = ""  # quotient by the oracle's score with its interval
    times: tuple[float, float | None, float | None] | None = None  # that quotient and the ends of its interval
    beside: str = ""  # that quotient and the oracle's score, or the latter alone
    group: int | None = None  # cells of one group stay together when a table is sorted


@dataclass(frozen=True)
class TableRow:
    """A row of a table: a model or a control on one dataset, with a cell for each column."""

    model: str
    dataset: str
    family: str
    role: str
    flagged: bool
    failed: bool  # whether any of its trials failed
    cells: Sequence[TableCell]

    @property
    def dimmed(self) -> bool:
        """Whether it is dimmed: a control or the oracle, which do not compete."""
        return self.role != "model"


@dataclass(frozen=True)
class TableView:
    """A table of one dataset, and the sentences above and below it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    sorted_by: str = ""  # name of a column
    interval: str = ""  # what follows ± in a score
    conclusion: str = ""  # what it shows by the metric that it is sorted by
    margin: str = ""  # what is as good by that metric
    notes: Sequence[str] = ()  # differences that the scores resolve, and where their spread comes from
    flags: Sequence[str] = ()  # warnings about scores

    def select(self, *kinds: Kind) -> TableView:
        """Return the table with only the columns of some kinds, in this order.

        Verdicts stay beside their score.
        """
        places = {kind: k for k, kind in enumerate(kinds)}
        places |= {"verdict": places.get("score", places["verdict"])} if "verdict" in places else {}
        chosen = [i for i, column in enumerate(self.columns) if column.kind in places]
        return self._with(sorted(chosen, key=lambda i: places[self.columns[i].kind]))

    def named(self, names: Sequence[str]) -> TableView:
        """Return the table with only the columns of some names, in this order.

        The column of the models stays the first.
        """
        places = {column.name: i for i, column in enumerate(self.columns)}
        return self._with([places[name] for name in ("model", *names) if name in places])

    def _with(self, order: Sequence[int]) -> TableView:
        rows = [replace(row, cells=[row.cells[i] for i in order]) for row in self.rows]
        return replace(self, columns=[self.columns[i] for i in order], rows=rows)


@dataclass(frozen=True)
class BoardView:
    """A leaderboard: a table for each dataset and task, rankings, and the legend of marks."""

    tables: Sequence[TableView]
    rankings: Sequence[RankingView]
    order: str  # what it is sorted by
    notes: Sequence[str]  # on likelihoods and on single seeds

    def legend(self, signs: Mapping[Verdict, str]) -> list[str]:
        """Return the meaning of the marks, for a format that marks verdicts by signs."""
        return [line for line in (self.order, verdicts.legend(signs), *self.notes) if line]


def board_view(
    board: Leaderboard,
    metrics: Chosen = "scored",
    outlook: Outlook = more_seeds,
    places: int | None = None,
) -> BoardView:
    """Return a leaderboard as text.

    Args:
        metrics: names; or "main" for those that the run was asked for, or else the main ones; or "scored" for all that
            any row of a table has.
        outlook: returns what would decide the open verdicts, see `conclusion`.
        places: number of decimals of scores; as many as their intervals support unless given.
    """
    tables = []
    for place in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == place]
        by = board.sorted_by(place)
        names = metrics
        if names == "main":
            names = asked_columns(board, rows, by)
        elif names == "scored":
            names = by_first([name for name in board.metrics if any(row.metrics.get(name) for row in rows)], by)
        names = [name for name in names if name in board.metrics]  # without those that are no metrics
        notes = [
            formatting.power_line(board, place, names),
            formatting.blind_line(board, place, names),
            *formatting.components_lines(board, place, names),
        ]
        view = table_view(place, rows, names, by, places)
        margin = verdicts.margin_line(board.contests.get((place, by or ""), []))
        notes = [note for note in notes if note]
        told = "" if board.left_out else conclusion(board, place, outlook)  # which is about all rows
        tables.append(replace(view, conclusion=told, margin=margin, notes=notes))
    return BoardView(
        tables=tables,
        rankings=[] if board.left_out else [ranking_view(one) for one in rankings(board)],  # they rank all
        order=formatting.order_line(board),
        notes=formatting.legend_notes(board),
    )


def table_view(
    title: str, rows: Sequence[Row], metrics: Sequence[str], sort: str | None, places: int | None = None
) -> TableView:
    """Return the table of some rows, in their order, with a column of each kind.

    `places` is as in `board_view`.
    """
    beside = sort if sort and _has_verdicts(sort, rows) else None
    several = any(row.seeds > 1 for row in rows)
    return TableView(
        title=title,
        columns=columns(metrics, rows, sort),
        rows=[_row(row, metrics, _costs(rows), beside, places) for row in rows],
        sorted_by=sort if sort and sort in metrics else "",
        interval="mean ± half-width of the 95 % interval over seeds" if several else "one seed, ± standard error",
        flags=[flag for row in rows for flag in formatting.flag_lines(row)],
    )


def columns(metrics: Sequence[str], rows: Sequence[Row] = (), sort: str | None = None) -> list[Column]:
    """Return the columns of a table, with some metrics.

    Verdicts are beside the metric by which it is sorted.
    """
    scores = []
    for name in metrics:
        scores.append(_score_column(name, rows))
        scores += [_verdict_column(name, rows)] if name == sort and _has_verdicts(name, rows) else []
    return [
        Column("model", "model", "model"),
        Column("seeds", "seeds", "seeds", help="Seeds without a failure, and of how many if some failed"),
        *scores,
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


def _verdict_column(name: str, rows: Sequence[Row]) -> Column:
    card = card_of(name)
    quotients = any(cell.scale == "quotient" for row in rows if (cell := row.metrics.get(name)))
    about = f"How much worse than the best of the other models it is by {card.label}: simultaneous 95 % intervals"
    return Column("worse_by", "worse by", "verdict", "" if quotients else card.unit, help=about)


def _has_verdicts(name: str, rows: Sequence[Row]) -> bool:
    """Return whether there is a verdict by a metric in a table."""
    return any(cell.verdict for row in rows if (cell := row.metrics.get(name)))


def _costs(rows: Sequence[Row]) -> list[str]:
    """Return the costs that are worth a column: all, but for compute, where it was measured; older trials have none."""
    return [name for name in COSTS if name != "compute" or any(row.cost[name] is not None for row in rows)]


def _row(row: Row, metrics: Sequence[str], costs: Sequence[str], beside: str | None, places: int | None) -> TableRow:
    """Return a row; `beside` is the metric beside which its verdict stands, if there is a column for that."""
    scores = []
    for name in metrics:
        scores.append(_score(row, name, places))
        scores += [_worse_by(row, name)] if name == beside else []
    cells = [
        TableCell(row.model, row.model),
        TableCell(formatting.seeds(row), row.seeds),
        *scores,
        *(TableCell(formatting.amount(cost := row.cost[name]), cost) for name in costs),
        TableCell(formatting.failures(row), row.failed),
        TableCell(row.family, row.family),
        TableCell(row.likelihood, row.likelihood),
    ]
    facts = {"model": row.model, "dataset": row.dataset, "family": row.family, "role": row.role}
    return TableRow(**facts, flagged=bool(row.flags), failed=bool(row.failed), cells=cells)


def _score(row: Row, name: str, places: int | None) -> TableCell:
    cell = row.metrics.get(name)
    if cell is None:
        return TableCell(formatting.value(row, name, cell, places))
    return TableCell(
        text=formatting.value(row, name, cell, places),
        value=cell.mean if math.isfinite(cell.mean) else -math.inf if card_of(name).higher_is_better else math.inf,
        mark=cell.verdict or "",
        ratio=formatting.quotient(cell),
        times=None if cell.ratio is None else (cell.ratio, cell.ratio_low, cell.ratio_high),
        beside=formatting.beside_oracle(name, cell),
        group=LIKELIHOODS.index(row.likelihood) if card_of(name).by_likelihood else None,
    )


def _worse_by(row: Row, name: str) -> TableCell:
    cell = row.metrics.get(name)
    group = LIKELIHOODS.index(row.likelihood) if card_of(name).by_likelihood else None
    return TableCell(verdicts.worse_by(cell), verdicts.worse_by_key(cell), group=group) if cell else TableCell("–")
