"""How a notebook shows an object, as HTML, and how `print` shows it, as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["TEXTS", "VIEWS", "NotebookView"]

# What writes an object as HTML, and as text, by the name of its class. What writes them imports datasets and
# leaderboards, so these cannot import it; `genbench/__init__.py` fills this in.
VIEWS: dict[str, Callable[[Any], str]] = {}
TEXTS: dict[str, Callable[[Any], str]] = {}


class NotebookView:
    """Base class of objects that a notebook shows as HTML.

    The view is that of the object's class, or of the nearest base class that has one.
    """

    def _repr_html_(self) -> str | None:
        """Return HTML, or None, on which a notebook falls back to `repr`."""
        write = next((VIEWS[cls.__name__] for cls in type(self).__mro__ if cls.__name__ in VIEWS), None)
        return write(self) if write else None
