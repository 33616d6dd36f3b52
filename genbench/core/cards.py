"""What the registry holds: a card for each plugin, and selections that have a name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from genbench.core.plugin_loading import importing

__all__ = ["Card", "Suite"]


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
        name, family: as written on the command line.
        factory: the class or function that it stands for.
        plugin: the file that the user named, or the module of an installed package, whose import registered it; "" for
            what is built in, or was registered in the caller's own code.
        line: of its file, at which it was registered.
    """

    name: str
    family: str
    factory: Any
    plugin: str = field(default_factory=importing, kw_only=True)
    line: int = field(default_factory=_line, kw_only=True, compare=False)
    variant = False

    @cached_property
    def file(self) -> Path:
        """The source file that registered it; a name that is no file for what was typed into an interpreter."""
        try:
            return Path(inspect.getsourcefile(inspect.unwrap(self.factory)) or "interactive")
        except (TypeError, OSError):
            return Path("interactive")

    @property
    def place(self) -> str:
        """The file and line at which it was registered."""
        return f"{self.file}, line {self.line}"

    @property
    def built_in(self) -> bool:
        """Whether it is genbench's own."""
        return str(self.factory.__module__).startswith("genbench.")

    def replaces(self, other: Card) -> bool:
        """Whether it may take the name of another: it is of the same file, or of the same notebook."""
        return self.file == other.file or not (self.portable or other.portable)

    @property
    def portable(self) -> bool:
        """Whether another process can import it."""
        return str(self.factory.__module__) != "__main__"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    @property
    def signature(self) -> Mapping[str, inspect.Parameter]:
        """The parameters that its factory takes."""
        return inspect.signature(self.factory).parameters


@dataclass(frozen=True)
class Suite:
    """A selection with a name of its own.

    Attributes:
        name: as written on the command line.
        parts: what it selects, each a name with parameters.
        summary: what it is for, in one sentence.
    """

    name: str
    parts: tuple[str, ...]
    summary: str
