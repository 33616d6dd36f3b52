"""The line of a plugin's code that probably has a fault."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genbench.core.cards import Card

__all__ = ["line_of"]

CONTRACTS = ("genbench.contracts.", "torch.")  # what only declares a method is not where it goes wrong


def line_of(card: Card, methods: tuple[str, ...], suspects: str = "") -> str:
    """Return the line of a plugin, as "my_model.py:31"; "" if its source is unknown.

    It is the first line that matches `suspects`, in the methods in their order, then in the whole class. If none
    matches, it is the first line of the first method that the plugin has, or else of the plugin.
    """
    parts = [*_methods(card.factory, methods), *_sources(_classes(card.factory))]
    for file, first, text in parts if suspects else []:
        if found := re.search(suspects, text):
            return f"{file}:{first + text[: found.start()].count(chr(10))}"
    for file, first, text in parts[:1]:
        begin = re.search(r"^\s*(def|class) ", text, re.MULTILINE)
        return f"{file}:{first + (text[: begin.start()].count(chr(10)) if begin else 0)}"
    return ""


def _classes(factory: Any) -> list[Any]:
    """Return a function, or a class and those that it inherits code from, but for the contracts."""
    if not inspect.isclass(factory):
        return [inspect.unwrap(factory)]
    return [cls for cls in factory.__mro__ if cls is not object and not cls.__module__.startswith(CONTRACTS)]


def _methods(factory: Any, names: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """Yield file, first line and text of those of the methods that a class writes."""
    if not inspect.isclass(factory):
        return
    for name in names:
        owner = next((cls for cls in factory.__mro__ if name in vars(cls)), None)
        if owner is not None and owner in _classes(factory):
            found = vars(owner)[name]
            yield from _sources([found.fget if isinstance(found, property) else found])


def _sources(things: list[Any]) -> Iterator[tuple[str, int, str]]:
    for thing in things:
        try:
            lines, first = inspect.getsourcelines(thing)
            file = inspect.getsourcefile(thing)
        except (OSError, TypeError):  # typed into an interpreter, or written in C
            continue
        if file:
            yield Path(file).name, first, "".join(lines)
