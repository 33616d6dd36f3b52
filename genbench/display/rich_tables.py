"""Tables on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["console", "empty_table"]


def console(width: int = 160) -> Console:
    """Return the console: as wide as the terminal, or `width` letters where the output is no terminal."""
    from rich.console import Console

    return Console(width=None if Console().is_terminal else width, highlight=False)


def empty_table(
    headings: Sequence[str],
    *,
    title: str = "",
    left: Container[str] = (),
    wrapped: Container[str] = (),
    dim: Container[str] = (),
    lines: bool = True,
) -> Table:
    """Return a table without rows.

    Args:
        headings: of the columns.
        title: above the table; "" for none.
        left: headings of columns that are aligned to the left; the others are aligned to the right.
        wrapped: headings of columns whose text may be broken into lines.
        dim: headings of columns that are dimmed.
        lines: whether it is drawn with lines.
    """
    from rich.box import HEAVY_HEAD
    from rich.markup import escape
    from rich.table import Table

    box = HEAVY_HEAD if lines else None
    table = Table(title=escape(title) or None, title_justify="left", box=box, pad_edge=lines)
    for name in headings:
        table.add_column(
            escape(name),
            justify="left" if name in left else "right",
            no_wrap=name not in wrapped,
            style="dim" if name in dim else None,
        )
    return table
