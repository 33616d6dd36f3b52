"""Tables on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from genbench.core.console import as_shown

__all__ = ["console", "empty_table"]


def console(width: int = 160) -> Console:
    """Return the console: as wide as the terminal, or `width` letters where the output is no terminal."""
    return _Console(width=None if Console().is_terminal else width, highlight=False)


class _Console(Console):
    """A console that lays out texts as it can write them, so that columns stay aligned."""

    def render_str(self, text: str, **style: Any) -> Text:
        return super().render_str(as_shown(text, self.encoding), **style)


def empty_table(
    headings: Sequence[str],
    *,
    title: str = "",
    left: Container[str] = (),
    wrapped: Container[str] = (),
    dim: Container[str] = (),
    lines: bool = True,
) -> Table:
    """Return a table without rows; of its columns some are aligned to the left, wrap their text, or are dimmed."""
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
