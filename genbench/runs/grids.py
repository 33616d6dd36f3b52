"""Grids of parameters: a list of values for a parameter means one selection for each."""

from __future__ import annotations

import itertools
import math

from genbench.core.cards import Card
from genbench.core.errors import GenbenchError
from genbench.core.parameters import takes
from genbench.core.selection import Params, Selection, as_text

__all__ = ["expanded"]

MOST = 1_000  # selections of one grid; by hand: as many rows as anybody reads


def expanded(card: Card, selection: Selection) -> list[Selection]:
    """Return the selections that one means: `vae[hidden=[64,128]]` means two.

    If a parameter accepts a list, such as the columns of a table to drop, a list is one value, and a list of such lists
    is a grid.

    Raises:
        GenbenchError: it means too many selections.
    """
    params, texts = selection.params, getattr(selection.params, "texts", {})
    axes = {name: value for name, value in params.items() if _is_grid(card, name, value, texts.get(name))}
    if not axes:
        return [selection]
    if (number := math.prod(map(len, axes.values()))) > MOST:
        raise GenbenchError(f"the grid of {selection.name} has {number:,} points; give {MOST:,} at most")
    written = {name: _written(texts.get(name), len(values)) for name, values in axes.items()}
    found = []
    for places in itertools.product(*(range(len(values)) for values in axes.values())):
        point = dict(zip(axes, places, strict=True))
        chosen = {name: axes[name][point[name]] if name in point else value for name, value in params.items()}
        own = {name: written[name][point[name]] if name in point else text for name, text in texts.items()}
        known = {name: text for name, text in own.items() if text is not None}
        found.append(Selection(selection.name, Params(chosen, known)))
    return found


def _is_grid(card: Card, name: str, value: object, text: str | None) -> bool:
    """Whether a parameter takes some value of a list, and not the list itself."""
    if not isinstance(value, list) or not value or takes(card, name, value, text):
        return False
    written = _written(text, len(value))
    return any(takes(card, name, one, own) for one, own in zip(value, written, strict=True))


def _written(text: str | None, number: int) -> list[str | None]:
    """Return what was written for each value of a list; None where that is not known."""
    if text is not None:
        parts = as_text(text)
        if isinstance(parts, list) and len(parts) == number:
            return [part if isinstance(part, str) else None for part in parts]
    return [None] * number
