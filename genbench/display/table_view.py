"""A leaderboard as text: what each cell of each table says, decided once for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import Ranking, rankings
from genbench.analysis.scores import Row, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.display import formatting

__all__ = [
    "BoardView",
    "Column",
    "RankingView",
    "TableCell",
    "TableRow",
    "TableView",
    "board_view",
    "columns",
    "table_view",
]

Kind = Literal["model", "seeds", "score", "cost", "failures", "family", "likelihood"]
Metrics = Literal["main", "scored"] | Sequence[str]

COST_HELP = {
    "train_seconds": "Seconds of training, wall time",
    "samples_per_second": "Samples drawn in a second",
    "parameters": "Parameters that are learnt",
    "nfe": "Network evaluations a sample",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        kind: what it holds; a format chooses its columns by it.
        label: its heading.
        unit: of a score; "" without one.
        better: in which direction a score is better.
        help: what it is, in a sentence.
        by_likelihood: whether kinds of likelihood stay apart when a table is sorted by it.
        ratio: whether the quotients by the oracle's score are worth a column of their own.
    """

    name: str
    label: str
    kind: Kind
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""
    help: str = ""
    by_likelihood: bool = False
    ratio: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is sorted as numbers."""
        return self.kind not in ("model", "family", "likelihood")


@dataclass(frozen=True)
class TableCell:
    """A cell of a table.

    Attributes:
        text: what it says.
        value: what it is sorted by; None comes last.
        mark: whether it is the best score of its column, or tied with the best.
        ratio: quotient by the oracle's score with its interval; "" without one.
        beside: that quotient and the oracle's score, or the latter alone; "" without an oracle.
        group: which cells stay together when the table is sorted; None where all do.
    """

    text: str
    value: float | str | None = None
    mark: Literal["best", "tie", ""] = ""
    ratio: str = ""
    beside: str = ""
    group: int | None = None


@dataclass(frozen=True)
class TableRow:
    """A row of a table: a model or a control on one dataset, a cell for each column."""

    model: str
    dataset: str
    family: str
    role: str
    flagged: bool
    failed: bool
    cells: Sequence[TableCell]

    @property
    def dimmed(self) -> bool:
        """Whether it is a control or the oracle, which do not compete."""
        return self.role != "model"


@dataclass(frozen=True)
class TableView:
    """A table: its columns and rows, and what stands above and below them.

    Attributes:
        title: the dataset, with the task where it matters.
        sorted_by: name of the column that it is sorted by; "" where that is not in it.
        interval: what follows ± in a score.
        notes: differences that the scores resolve, and where their spread comes from; a sentence each.
        flags: warnings about scores, a sentence each.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    sorted_by: str = ""
    interval: str = ""
    notes: Sequence[str] = ()
    flags: Sequence[str] = ()

    def select(self, *kinds: Kind) -> TableView:
        """Return the table with the columns of some kinds, in this order."""
        order = [i for kind in kinds for i, column in enumerate(self.columns) if column.kind == kind]
        rows = [replace(row, cells=[row.cells[i] for i in order]) for row in self.rows]
        return replace(self, columns=[self.columns[i] for i in order], rows=rows)


@dataclass(frozen=True)
class RankingView:
    """One ranking over several datasets.

    Attributes:
        datasets: how many there are.
        likelihood: the only kind that is ranked; "" where kinds do not matter.
        label, unit: of the metric.
        rows: model, interquartile mean, average rank, how often it beats a run of the leader.
        tests: what the rank tests say.
    """

    datasets: int
    likelihood: str
    label: str
    unit: str
    rows: Sequence[Sequence[str]]
    tests: str


@dataclass(frozen=True)
class BoardView:
    """A leaderboard: a table for each dataset and task, the rankings over datasets, and what the marks mean."""

    tables: Sequence[TableView]
    rankings: Sequence[RankingView]
    legend: formatting.Legend


def board_view(board: Leaderboard, metrics: Metrics = "scored") -> BoardView:
    """Return a leaderboard as text.

    Args:
        board: the leaderboard.
        metrics: names; or "main", those that a terminal shows; or "scored", all that any row of a table has.
    """
    tables = []
    for place in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == place]
        table = table_view(place, rows, _chosen(board, rows, metrics), board.sort)
        names = [column.name for column in table.columns if column.kind == "score"]
        notes = [formatting.resolution_line(board, place, names), *formatting.components_lines(board, place, names)]
        tables.append(replace(table, notes=[note for note in notes if note]))
    return BoardView(tables, [_ranking(one) for one in rankings(board)], formatting.legend(board))


def _chosen(board: Leaderboard, rows: Sequence[Row], metrics: Metrics) -> Sequence[str]:
    if metrics == "main":
        return formatting.main_metrics(rows, board.metrics)
    if metrics == "scored":
        return [name for name in board.metrics if any(row.metrics.get(name) for row in rows)]
    return metrics


def table_view(title: str, rows: Sequence[Row], metrics: Sequence[str], sort: str | None) -> TableView:
    """Return the table of some rows, in their order, with a column of each kind."""
    several = any(row.seeds > 1 for row in rows)
    return TableView(
        title=title,
        columns=columns(metrics, rows),
        rows=[_row(row, metrics) for row in rows],
        sorted_by=sort if sort and sort in metrics else "",
        interval="mean ± half-width of the 95 % interval over seeds" if several else "one seed, ± standard error",
        flags=[flag for row in rows for flag in formatting.flag_lines(row)],
    )


def columns(metrics: Sequence[str], rows: Sequence[Row] = ()) -> list[Column]:
    """Return the columns of a table, those of some metrics among them."""
    return [
        Column("model", "model", "model"),
        Column("seeds", "seeds", "seeds", help="Seeds without a failure, and of how many if some failed"),
        *(_score_column(name, formatting.has_ratio(rows, name)) for name in metrics),
        *(Column(name, label, "cost", help=COST_HELP[name]) for name, label in formatting.COSTS.items()),
        Column("failures", "failures", "failures", help="Trials that failed, and how"),
        Column("family", "family", "family"),
        Column("log-likelihood", "log-likelihood", "likelihood"),
    ]


def _score_column(name: str, ratio: bool) -> Column:
    card = card_of(name)
    return Column(
        name=name,
        label=card.label,
        kind="score",
        unit=card.unit,
        better="higher" if card.higher_is_better else "lower",
        help=card.summary if card.factory else "",
        by_likelihood=card.by_likelihood,
        ratio=ratio,
    )


def _row(row: Row, metrics: Sequence[str]) -> TableRow:
    cells = [
        TableCell(row.model, row.model),
        TableCell(formatting.seeds(row), row.seeds),
        *(_score(row, name) for name in metrics),
        *(TableCell(formatting.amount(cost := row.cost[name]), cost) for name in formatting.COSTS),
        TableCell(formatting.failures(row), row.failed),
        TableCell(row.family, row.family),
        TableCell(row.likelihood, row.likelihood),
    ]
    return TableRow(
        model=row.model,
        dataset=row.dataset,
        family=row.family,
        role=row.role,
        flagged=bool(row.flags),
        failed=bool(row.failed),
        cells=cells,
    )


def _score(row: Row, name: str) -> TableCell:
    cell = row.metrics.get(name)
    if cell is None:
        return TableCell(formatting.value(row, name, cell))
    return TableCell(
        text=formatting.value(row, name, cell),
        value=cell.mean,
        mark="" if not cell.best else "tie" if cell.tie else "best",
        ratio=formatting.quotient(cell),
        beside=formatting.beside_oracle(name, cell),
        group=LIKELIHOODS.index(row.likelihood) if card_of(name).by_likelihood else None,
    )


def _ranking(one: Ranking) -> RankingView:
    rows = []
    for model in one.models:
        beats = f"{100 * model.improvement.value:.0f} %" if model.improvement else "–"
        rows.append((model.name, formatting.estimate(model.iqm), f"{model.rank:.2f}", beats))
    return RankingView(
        datasets=len(one.datasets),
        likelihood=one.likelihood or "",
        label=card_of(one.metric).label,
        unit=one.unit,
        rows=rows,
        tests=formatting.rank_line(one),
    )
