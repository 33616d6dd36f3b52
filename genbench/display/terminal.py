"""A leaderboard on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import Overall, overall
from genbench.analysis.scores import Row
from genbench.core.errors import GenbenchError, nearest
from genbench.display import formatting

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show"]


def show(board: Leaderboard, columns: str = "main") -> None:
    """Print the leaderboard: per dataset, scores with intervals, then what they cost; then all datasets together.

    Args:
        board: the leaderboard.
        columns: "main", "all", or names of metrics.

    Raises:
        GenbenchError: a metric is not in this run.
    """
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 160, highlight=False)
    for dataset in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == dataset]
        metrics = _pick(board, rows, columns)
        console.print(_scores(dataset, rows, metrics, board.sort))
        if line := formatting.resolution_line(board, dataset, metrics):
            console.print(line, style="dim")
        for line in formatting.components_lines(board, dataset, metrics):
            console.print(line, style="dim", markup=False)
        console.print(_costs(dataset, rows))
    for one in overall(board):
        console.print(_overall(one))
        console.print(formatting.rank_line(one), style="dim")
    console.print(formatting.legend(board), style="dim")
    for row in board.rows:
        for flag in formatting.flag_lines(row):
            console.print(f"! {flag}", style="yellow", markup=False)


def _pick(board: Leaderboard, rows: Sequence[Row], columns: str) -> list[str]:
    if columns == "main":
        return formatting.main_metrics(rows, board.metrics)
    names = board.metrics if columns == "all" else [name.strip() for name in columns.split(",") if name.strip()]
    for name in names:
        if name not in board.metrics:
            raise GenbenchError(f"no metric '{name}' in this run{nearest(name, board.metrics)}")
    return list(names)


def _scores(dataset: str, rows: Sequence[Row], metrics: Sequence[str], sort: str | None) -> Table:
    from rich.markup import escape
    from rich.table import Table

    several = any(row.seeds > 1 for row in rows)
    what = "mean ± half-width of the 95 % interval over seeds" if several else "one seed, ± standard error"
    table = Table(title=f"{escape(dataset)}: scores, {what}", title_justify="left")
    table.add_column("model", no_wrap=True)
    table.add_column("seeds", justify="right", no_wrap=True)
    for name in metrics:
        arrow = " ▲" if name == sort else ""
        table.add_column(formatting.label(name) + arrow, justify="right", no_wrap=True)
        if formatting.has_ratio(rows, name):
            table.add_column("× oracle", justify="right", no_wrap=True, style="dim")
    for row in rows:
        cells = [escape(row.model) + (" !" if row.flags else ""), formatting.seeds(row)]
        for name in metrics:
            cell = row.metrics.get(name)
            text = formatting.value(row, name, cell)
            mark = (" =" if cell.tie else " *") if cell and cell.best else "  "
            cells.append(f"[bold]{text}{mark}[/bold]" if mark == " *" else text + mark)
            if formatting.has_ratio(rows, name):
                cells.append(escape(formatting.quotient(cell)))
        table.add_row(*cells, style="dim" if row.role != "model" else None)
    return table


def _costs(dataset: str, rows: Sequence[Row]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{escape(dataset)}: cost", title_justify="left")
    for heading, justify in (("model", "left"), ("family", "left"), ("log-likelihood", "left")):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for heading in formatting.COSTS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("failures", no_wrap=True)
    for row in rows:
        failures = ", ".join(f"{n} {status}" for status, n in row.statuses.items() if status != "ok")
        costs = [formatting.amount(row.cost[name]) for name in formatting.COSTS]
        style = "dim" if row.role != "model" else None
        table.add_row(escape(row.model), escape(row.family), row.likelihood, *costs, failures, style=style)
    return table


def _overall(one: Overall) -> Table:
    from rich.markup import escape
    from rich.table import Table

    kind = f", {one.likelihood} likelihoods" if one.likelihood else ""
    table = Table(title=f"{len(one.datasets)} datasets together{kind}", title_justify="left")
    table.add_column("model", no_wrap=True)
    table.add_column(f"{formatting.label(one.metric)} {one.unit}: interquartile mean", justify="right")
    table.add_column("average rank", justify="right")
    table.add_column("a run beats the leader's", justify="right")
    for standing in one.standings:
        better = f"{100 * standing.improvement.value:.0f} %" if standing.improvement else "–"
        table.add_row(escape(standing.model), escape(formatting.estimate(standing.iqm)), f"{standing.rank:.2f}", better)
    return table
