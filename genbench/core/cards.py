"""What the registry holds: a card for each plugin, and selections that have a name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from genbench.core.plugin_loading import importing

__all__ = ["Card", "Suite"]


_signature = cache(inspect.signature)  # a plan of a hundred rows asks thousands of times


def _line() -> int:
    """Return the line at which something is being registered."""
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("genbench.core.", "genbench.contracts.")):
        frame = frame.f_back
    return frame.f_lineno


@dataclass(frozen=True)
class Card:
    """What the registry knows about a plugin.

    Attributes:
        name, family: the names used on the command line.
        factory: the registered class or function.
        plugin: the user's file, or the module of an installed package, that registered it; "" for what is built in or
            was registered in the caller's own code.
        line: the line of its file at which it was registered.
    """

    name: str
    family: str
    factory: Any
    plugin: str = field(default_factory=importing, kw_only=True)
    line: int = field(default_factory=_line, kw_only=True, compare=False)
    variant = False

    @cached_property
    def file(self) -> Path:
        """The source file that registered it.

        For code that was typed into an interpreter, it is a name that is no file.
        """
        try:
            return Path(inspect.getsourcefile(inspect.unwrap(self.factory)) or "interactive")
        except (TypeError, OSError):
            return Path("interactive")

    @property
    def place(self) -> str:
        """The file and line at which the plugin was registered."""
        return f"{self.file}, line {self.line}"

    @property
    def built_in(self) -> bool:
        """Whether the plugin is part of genbench."""
        return str(self.factory.__module__).startswith("genbench.")

    def replaces(self, other: Card) -> bool:
        """Whether it may replace another plugin of the same name.

        It may if both are of the same file or the same notebook.
        """
        return self.file == other.file or not (self.portable or other.portable)

    @property
    def portable(self) -> bool:
        """Whether another process can import the plugin."""
        return str(self.factory.__module__) != "__main__"

    @property
    def summary(self) -> str:
        """The first line of the plugin's docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    @property
    def signature(self) -> Mapping[str, inspect.Parameter]:
        """The parameters that the plugin's factory takes."""
        return _signature(self.factory).parameters


@dataclass(frozen=True)
class Suite:
    """A named selection of several plugins.

    Attributes:
        name: the name used on the command line.
        parts: the plugins that it selects, each a name with parameters.
        summary: what it is for, in one sentence.
    """

    name: str
    parts: tuple[str, ...]
    summary: str
