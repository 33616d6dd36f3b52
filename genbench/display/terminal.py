"""A leaderboard on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from genbench.analysis.leaderboard import Leaderboard
from genbench.display.chosen_columns import Chosen
from genbench.display.ranking_view import RankingView
from genbench.display.rich_tables import console, empty_table
from genbench.display.table_view import BoardView, Column, TableView, board_view
from genbench.display.verdicts import SIGNS

__all__ = ["board_text", "show", "show_view"]

MARKS = {"": "{}  ", "worse": "{}  "} | {verdict: f"{{}} {sign}" for verdict, sign in SIGNS.items() if sign}
MARKS["best"] = f"[bold]{MARKS['best']}[/bold]"


def show(board: Leaderboard, columns: Chosen = "main", places: int | None = None) -> None:
    """Print the leaderboard: for each dataset, scores with intervals, then costs.

    All datasets together follow.

    Args:
        columns, places: see `board_view`.
    """
    show_view(board_view(board, columns, places=places))


def show_view(view: BoardView) -> None:
    """Print a leaderboard that is already text."""
    _print(view, console())


def board_text(board: Leaderboard) -> str:
    """Return what `show` prints, without colours."""
    out = console(plain=True)
    with out.capture() as caught:
        _print(board_view(board, "main"), out)
    return caught.get().rstrip("\n")


def _print(view: BoardView, out: Console) -> None:
    for table in view.tables:
        out.print(_scores(table))
        if table.conclusion:
            out.print(table.conclusion, markup=False)
        for note in filter(None, (table.margin, *table.notes)):
            out.print(note, style="dim", markup=False)
        out.print(_costs(table))
    for one in view.rankings:
        out.print(_ranking(one))
        out.print(one.sentence, markup=False)
        out.print(one.tests, style="dim", markup=False)
    out.print("\n".join(view.legend({**SIGNS, "worse": "no mark:"})), style="dim", markup=False)
    for table in view.tables:
        for flag in table.flags:
            out.print(f"! {flag}", style="yellow", markup=False)


def _scores(view: TableView) -> Table:
    """Return models, seeds, scores with their marks, verdicts beside one of them, and the quotients by the oracle's."""
    part, quotients = view.select("model", "seeds", "score", "verdict"), "× oracle"
    order = list(_order(part.columns))
    headings = []
    for i, ratio in order:
        column = part.columns[i]
        headings.append(quotients if ratio else column.label + (" ▲" if column.name == view.sorted_by else ""))
    table = empty_table(
        headings, title=f"{view.title}: scores, {view.interval}", left=("model",), dim=(quotients,),
        belongs=[k for k, (i, ratio) in enumerate(order) if ratio or part.columns[i].kind == "verdict"],
    )  # fmt: skip
    for row in part.rows:
        cells = []
        for i, ratio in order:
            cell, score = row.cells[i], part.columns[i].kind == "score"
            text = escape(cell.ratio if ratio else cell.text)
            cells.append(MARKS[cell.mark].format(text) if score and not ratio else text)
        cells[0] += " !" if row.flagged else ""
        table.add_row(*cells, style="dim" if row.dimmed else None)
    return table


def _order(columns: Sequence[Column]) -> Iterator[tuple[int, bool]]:
    """Yield the place of each column, and again, with True, where its quotients stand: behind its verdicts."""
    for i, column in enumerate(columns):
        yield i, False
        score = i - 1 if column.kind == "verdict" else i
        if columns[score].ratio and not (i + 1 < len(columns) and columns[i + 1].kind == "verdict"):
            yield score, True


def _costs(view: TableView) -> Table:
    part = view.select("model", "family", "likelihood", "cost", "failures")
    headings = [column.label for column in part.columns]
    words = [column.label for column in part.columns if column.kind != "cost"]
    table = empty_table(headings, title=f"{view.title}: cost", left=words)
    for row in part.rows:
        table.add_row(*(escape(cell.text) for cell in row.cells), style="dim" if row.dimmed else None)
    return table


def _ranking(one: RankingView) -> Table:
    table = empty_table(one.headings, title=one.title, left=("model", "verdict"), wrapped=one.headings[1:])
    for row in one.rows:
        table.add_row(*map(escape, row))
    return table
