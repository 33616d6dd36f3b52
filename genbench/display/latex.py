"""A leaderboard as LaTeX: a table for each dataset, whose caption explains its marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Verdict
from genbench.display.chosen_columns import Chosen
from genbench.display.formatting import left_out_line
from genbench.display.inert_text import latex_comment, latex_text
from genbench.display.table_view import BoardView, Column, TableCell, TableRow, TableView, board_view
from genbench.display.verdicts import legend

__all__ = ["latex"]

MARKS = {"best": r"\textbf{{{}}}", "as good": r"\underline{{{}}}", "open": "{}$^{{?}}$", "worse": "{}", "": "{}"}
SIGNS: Mapping[Verdict, str] = {"best": "Bold", "as good": "underlined", "open": "raised ?", "worse": "no mark:"}
SHOWN = {"Bold": r"\textbf{Bold}", "underlined": r"\underline{underlined}", "raised ?": "$^{?}$"}  # in the caption
ARROWS = {"lower": r" $\downarrow$", "higher": r" $\uparrow$", "": ""}
ORACLE = "oracle"


def latex(board: Leaderboard, columns: Chosen = "main", places: int | None = None) -> str:
    r"""Return a table for each dataset, which needs `\usepackage{booktabs}`.

    The best score is bold, scores that are as good are underlined, and open ones have a raised question mark; the
    caption says so. Rows that do not compete are below a line, the oracle last.

    Args:
        columns: names of metrics and of `chosen_columns.FACTS`, in this order; or "main" or "scored", with the verdicts
            beside the metric by which the table is sorted.
        places: number of decimals of scores; as many as their intervals support unless given.
    """
    view = board_view(board, columns, places=places)
    return "\n\n".join(_table(view, table, columns, left_out_line(board)) for table in view.tables) + "\n"


def _table(view: BoardView, table: TableView, columns: Chosen, left_out: str) -> str:
    part = table.select("model", "score", "verdict") if isinstance(columns, str) else table.named(columns)
    models = [row for row in part.rows if not row.dimmed]
    others = sorted((row for row in part.rows if row.dimmed), key=lambda row: row.role == ORACLE)
    rules = [r"\midrule"] if models and others else []
    left = "".join("l" if not column.numeric else "r" for column in part.columns[1:])
    lines = [
        latex_comment(r"\usepackage{booktabs}"),
        *(latex_comment(text) for text in (table.conclusion, table.margin, *view.notes) if text),
        r"\begin{table}",
        r"\centering",
        r"\setlength{\belowcaptionskip}{6pt}",  # a caption above a table touches it in the standard classes
        rf"\caption{{{_caption(view, part, left_out)}}}",
        rf"\label{{tab:{_slug(table.title)}}}",
        rf"\begin{{tabular}}{{l{left}}}",
        r"\toprule",
        " & ".join(map(_heading, part.columns)) + r" \\",
        r"\midrule",
        *_rows(models),
        *rules,
        *_rows(others),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join([*lines, *(latex_comment(f"! {flag}") for flag in table.flags)])


def _heading(column: Column) -> str:
    """Return the heading of a column: its label, its unit, and which way is better."""
    unit = f" ({column.unit})" if column.unit else ""
    return latex_text(column.label + unit) + ARROWS[column.better]


def _rows(rows: Sequence[TableRow]) -> list[str]:
    lines = []
    for row in rows:
        model, *others = (MARKS[cell.mark].format(_cell(cell)) for cell in row.cells)
        lines.append(" & ".join([model + ("$^{!}$" if row.flagged else ""), *others]) + r" \\")
    return lines


def _cell(cell: TableCell) -> str:
    """Return the text of a cell, of a score with its power of ten as mathematics."""
    text = latex_text(cell.text)
    return re.sub(r"(?<=[\d)])e(-?\d+)$", r"$\\times 10^{\1}$", text) if isinstance(cell.value, float) else text


def _caption(view: BoardView, part: TableView, left_out: str) -> str:
    """Return what the table is of, what its marks mean where it has any, and what stands below the line."""
    cells = [cell for row in part.rows for cell in row.cells]
    parts = [latex_text(f"{part.title}: {part.interval}.")]
    if any(cell.mark for cell in cells):
        marks = latex_text(legend(SIGNS))
        for word, sign in SHOWN.items():
            marks = marks.replace(word, sign, 1)
        parts += [marks, latex_text(left_out)] if left_out else [marks]
    if any(cell.text.startswith(("≤", "≈")) for cell in cells):
        parts += [latex_text(note) for note in view.notes if note.startswith("Likelihoods")]
    if any(row.flagged for row in part.rows):
        parts.append("An exclamation mark: see the flags of the run.")
    if any(row.role == ORACLE for row in part.rows):
        parts.append("The oracle draws as many samples from the truth itself.")
    return " ".join(parts)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower(), flags=re.ASCII).strip("-") or "scores"
