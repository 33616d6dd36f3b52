"""A leaderboard in files: csv, markdown, LaTeX, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Row, Verdict
from genbench.core.errors import GenbenchError, nearest
from genbench.core.strict_json import strict_json
from genbench.display.chosen_columns import Chosen, asked_columns
from genbench.display.inert_text import csv_text, markdown_text
from genbench.display.latex import latex
from genbench.display.ranking_view import RankingView
from genbench.display.table_view import TableCell, TableView, board_view

__all__ = ["FORMATS", "markdown_table", "render", "with_columns"]

MARKDOWN_MARKS = {"best": "**{}**", "as good": "*{}*", "open": "{} ?", "worse": "{}", "": "{}"}
MARKDOWN_SIGNS: Mapping[Verdict, str] = {
    "best": "**Bold**", "as good": "*italics*", "open": "**?**", "worse": "no mark:"
}  # fmt: skip


def render(board: Leaderboard, form: str, columns: Chosen | None = None, places: int | None = None) -> str:
    """Return the leaderboard as text in one of the `FORMATS`.

    Args:
        columns: see `board_view`. Unless given, the main ones in LaTeX, and all in other formats. CSV and JSON always
            have costs.
        places: number of decimals of scores, in markdown and LaTeX.

    Raises:
        GenbenchError: the format is unknown.
    """
    if form not in FORMATS:
        raise GenbenchError(f"no format '{form}'{nearest(form, list(FORMATS))}")
    return FORMATS[form](board, columns, places)


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = True) -> list[str]:
    """Return the lines of a table in Markdown, from cells that are Markdown already.

    With `numbers`, all columns except the first are aligned to the right.
    """
    rule = ["---", *["---:" if numbers else "---"] * (len(headings) - 1)]
    lines = (headings, rule, *rows)
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _markdown(board: Leaderboard, columns: Chosen, places: int | None) -> str:
    """Best in bold, as good in italics, open with a ?; the conclusion, notes and flags below each table."""
    view = board_view(board, columns, places=places)
    tables = [_markdown_scores(table, columns) for table in view.tables]
    parts = [*tables, *map(_markdown_ranking, view.rankings)]
    legend = "  \n".join(view.legend(MARKDOWN_SIGNS))
    return "\n\n".join([*parts, legend, *([board.origin] if board.origin else [])]) + "\n"


def _markdown_scores(view: TableView, columns: Chosen) -> str:
    def text(cell: TableCell) -> str:
        return MARKDOWN_MARKS[cell.mark].format(markdown_text(cell.text)) + (f" (×{cell.ratio})" if cell.ratio else "")

    usual = isinstance(columns, str)
    part = view.select("model", "seeds", "score", "verdict", "cost") if usual else view.named(columns)
    rows = []
    for row in part.rows:
        model, *others = map(text, row.cells)
        rows.append([model + (" (!)" if row.flagged else ""), *others])
    table = markdown_table([markdown_text(column.label) for column in part.columns], rows)
    notes = [*filter(None, (view.conclusion, view.margin)), *view.notes, *(f"(!) {flag}" for flag in view.flags)]
    lines = [f"### {markdown_text(view.title)}", "", *table, "", *(f"{markdown_text(note)}  " for note in notes)]
    return "\n".join(lines).rstrip()


def _markdown_ranking(one: RankingView) -> str:
    rows = [[markdown_text(cell) for cell in row] for row in one.rows]
    table = markdown_table([markdown_text(heading) for heading in one.headings], rows)
    texts = markdown_text(one.sentence), "", markdown_text(one.tests)
    return "\n".join([f"### {markdown_text(one.title)}", "", *table, "", *texts])


def with_columns(board: Leaderboard, columns: Chosen | None) -> Leaderboard:
    """Return a leaderboard with only some metrics, for a format with data but no columns."""
    if columns is None or columns == "scored":
        return board
    if columns == "main":
        names = list(dict.fromkeys(name for rows in _places(board) for name in asked_columns(board, rows)))
    else:
        names = [name for name in columns if name in board.metrics]
    return replace(board, metrics=names)


def _places(board: Leaderboard) -> list[list[Row]]:
    """Return the rows of each table."""
    return [
        [row for row in board.rows if row.place == place] for place in dict.fromkeys(row.place for row in board.rows)
    ]


FORMATS: dict[str, Callable[[Leaderboard, Chosen | None, int | None], str]] = {
    "csv": lambda board, columns, places: csv_text(with_columns(board, columns).frame()),
    "md": lambda board, columns, places: _markdown(board, columns or "scored", places),
    "tex": lambda board, columns, places: latex(board, columns or "main", places),
    "json": lambda board, columns, places: strict_json(with_columns(board, columns).records()) + "\n",
}
