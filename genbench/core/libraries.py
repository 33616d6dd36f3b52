"""Libraries that a plugin needs and genbench does not: whether they are here, which version, how to install them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from genbench.core.errors import GenbenchError

__all__ = ["Library", "library_of", "require_library"]


@dataclass(frozen=True)
class Library:
    """A library that does a plugin's work. Its class names it: `library = Library("zuko", "pip install zuko")`.

    The plugin imports it inside its methods, so that it is known, listed and cited where the library is missing. The
    selections "all" and "zoo" leave it out: it is asked for by name, or by its family.

    Attributes:
        name: of the distribution, as pip knows it.
        install: what to type to install it.
        module: what to import; the same name if empty.
    """

    name: str
    install: str
    module: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be imported; found out without importing it."""
        return _found(self.module or self.name)

    @property
    def version(self) -> str:
        """Its version; "" where that is unknown."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return ""

    @property
    def need(self) -> str:
        """What is wrong without it, and the remedy."""
        return f"needs {self.name}, which is not installed: {self.install}"

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version}".strip() if self.installed else f"{self.name}, not installed: {self.install}"
        )


def _found(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def library_of(card: Any) -> Library | None:
    """Return the library that the class behind a card names, or None."""
    found = getattr(card.factory, "library", None)
    return found if isinstance(found, Library) else None


def require_library(card: Any) -> None:
    """Check that the library of a plugin is installed.

    Raises:
        GenbenchError: it is not; the message says what to type.
    """
    library = library_of(card)
    if library and not library.installed:
        raise GenbenchError(f"{card.name} {library.need}")
