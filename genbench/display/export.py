"""A leaderboard in files: csv, markdown, LaTeX, JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Verdict
from genbench.core.errors import GenbenchError, nearest
from genbench.core.strict_json import strict_json
from genbench.display.inert_text import csv_text, latex_comment, latex_text, markdown_text
from genbench.display.ranking_view import RankingView
from genbench.display.table_view import TableCell, TableView, board_view
from genbench.display.verdicts import legend

__all__ = ["FORMATS", "markdown_table", "render"]

MARKDOWN_MARKS = {"best": "**{}**", "as good": "*{}*", "open": "{} ?", "worse": "{}", "": "{}"}
MARKDOWN_SIGNS: Mapping[Verdict, str] = {
    "best": "**Bold**", "as good": "*italics*", "open": "**?**", "worse": "no mark:"
}  # fmt: skip
LATEX_MARKS = {
    "best": r"\textbf{{{}}}", "as good": r"\underline{{{}}}", "open": "{}$^{{?}}$", "worse": "{}", "": "{}"
}  # fmt: skip
LATEX_SIGNS: Mapping[Verdict, str] = {
    "best": "bold", "as good": "underlined", "open": "superscript ?", "worse": "no mark:"
}  # fmt: skip


def render(board: Leaderboard, form: str) -> str:
    """Return the leaderboard as text in one of the `FORMATS`.

    Raises:
        GenbenchError: the format is unknown.
    """
    if form not in FORMATS:
        raise GenbenchError(f"no format '{form}'{nearest(form, list(FORMATS))}")
    return FORMATS[form](board)


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = True) -> list[str]:
    """Return the lines of a table in Markdown, whose cells are Markdown already.

    With `numbers`, all columns but the first are aligned to the right.
    """
    rule = ["---", *["---:" if numbers else "---"] * (len(headings) - 1)]
    lines = (headings, rule, *rows)
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _markdown(board: Leaderboard) -> str:
    """Best in bold, as good in italics, open with a ?; the conclusion, notes and flags below each table."""
    view = board_view(board)
    parts = [*map(_markdown_scores, view.tables), *map(_markdown_ranking, view.rankings)]
    legend = "  \n".join(view.legend(MARKDOWN_SIGNS))
    return "\n\n".join([*parts, legend, *([board.origin] if board.origin else [])]) + "\n"


def _markdown_scores(view: TableView) -> str:
    def text(cell: TableCell) -> str:
        return MARKDOWN_MARKS[cell.mark].format(markdown_text(cell.text)) + (f" (×{cell.ratio})" if cell.ratio else "")

    part = view.select("model", "seeds", "score", "verdict", "cost")
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


def _latex_scores(view: TableView) -> str:
    """Booktabs; best in bold, as good underlined, open with a raised question mark."""
    part = view.select("model", "score", "verdict")
    comments = filter(None, (view.title, view.conclusion, view.margin, legend(LATEX_SIGNS)))
    lines = [
        *map(latex_comment, comments),
        rf"\begin{{tabular}}{{l{'r' * (len(part.columns) - 1)}}}",
        r"\toprule",
    ]
    lines.append(" & ".join(latex_text(column.label) for column in part.columns) + r" \\")
    lines.append(r"\midrule")
    for row in part.rows:
        model, *others = (LATEX_MARKS[cell.mark].format(_latex(cell)) for cell in row.cells)
        lines.append(" & ".join([model + ("$^{!}$" if row.flagged else ""), *others]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *(latex_comment(f"! {flag}") for flag in view.flags)])


def _latex(cell: TableCell) -> str:
    """Return the text of a cell, of a score with its power of ten as mathematics."""
    text = latex_text(cell.text)
    return re.sub(r"(?<=[\d)])e(-?\d+)$", r"$\\times 10^{\1}$", text) if isinstance(cell.value, float) else text


FORMATS: dict[str, Callable[[Leaderboard], str]] = {
    "csv": lambda board: csv_text(board.frame()),
    "md": _markdown,
    "tex": lambda board: "\n\n".join(map(_latex_scores, board_view(board).tables)) + "\n",
    "json": lambda board: strict_json(board.records()) + "\n",
}
