"""Docstrings as they are written here: plain text, where only `code` and indented lines are markup."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["as_rest", "setup"]

CODE = re.compile(r"(`[^`]+`)")
BEFORE_NAPOLEON = 400  # which makes lists of the sections "Args" and "Raises", at 500


def as_rest(line: str) -> str:
    """Return a line of a docstring as reStructuredText: code in double backticks, `*` and a last `_` as themselves."""
    parts = CODE.split(line)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"(\*|_(?!\w))", r"\\\1", part) for part in parts)


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = map(as_rest, lines)


def setup(app: Sphinx) -> None:
    """Have autodoc read docstrings so."""
    app.connect("autodoc-process-docstring", _process, priority=BEFORE_NAPOLEON)
