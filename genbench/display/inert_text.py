"""Names and messages as text without active content, for CSV, Markdown and LaTeX.

Names of models, data and metrics, flags and errors may come from somebody else's run. They are written into files that
spreadsheets, browsers and LaTeX open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from genbench.core.console import harmless

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["csv_text", "latex_comment", "latex_text", "markdown_text"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet computes (OWASP, CSV injection)
MARKDOWN = re.compile(r"[\\`*|<]|&(?=#|\w+;)|\](?=[(\[:])")
HTML = {"<": "&lt;", "&": "&amp;"}
LATEX = {
    **{sign: f"\\{sign}" for sign in "_%&#{}$"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "₂": "$_2$",
    "²": "$^2$",
    "−": "$-$",
    "–": "--",
    "∞": r"$\infty$",
}
LATEX_SIGNS = str.maketrans(LATEX)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV. A text that a spreadsheet would compute gets an apostrophe."""
    inert = frame.rename(columns=_inert)
    for place, (_, column) in enumerate(frame.items()):
        if column.dtype.kind not in "fiub":
            inert.isetitem(place, list(column.map(_inert)))
    return str(inert.to_csv(index=False))


def markdown_text(text: str) -> str:
    r"""Return a text as Markdown that shows it literally: no HTML, links, marks or cells.

    >>> print(markdown_text("a|b <script> [x](y)"))
    a\|b &lt;script> [x\](y)
    """
    return MARKDOWN.sub(lambda found: HTML.get(found[0], f"\\{found[0]}"), _line(text))


def latex_text(text: str) -> str:
    r"""Return a text as LaTeX that shows it literally.

    A text with [ or * at its beginning, which could belong to a row's end, follows an empty group.

    >>> print(latex_text("m[a={b:1}]"), latex_text("[1]"))
    m[a=\{b:1\}] {}[1]
    """
    written = _line(text).translate(LATEX_SIGNS)
    return f"{{}}{written}" if written.startswith(("[", "*")) else written


def latex_comment(text: str) -> str:
    """Return a text as one line of a LaTeX comment."""
    return f"% {_line(text)}"


def _inert(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    return f"'{_line(cell)}" if cell.startswith(FORMULA) else _line(cell)


def _line(text: str) -> str:
    """Return a text in one line, with a sign in place of each that moves a cursor or ends a line."""
    return harmless(" ".join(text.splitlines()))
