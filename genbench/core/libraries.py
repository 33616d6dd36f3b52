"""Libraries that a plugin needs and genbench does not.

Each can say whether it is installed, which version, and how to install it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from genbench.core.errors import GenbenchError

__all__ = ["Library", "library_of", "require_library"]


@dataclass(frozen=True)
class Library:
    """A library that a plugin needs, as `library = Library("zuko", "pip install zuko")`.

    The class of the plugin has this attribute.

    The plugin imports the library inside its methods, so that the plugin can be listed and cited where the library is
    missing. The selections "all" and "zoo" leave such a plugin out; its name or its family selects it.

    Attributes:
        name: the name of the distribution for pip.
        install: the command that installs it.
        module: the module to import; `name` if empty.
    """

    name: str
    install: str
    module: str = ""

    @property
    def installed(self) -> bool:
        """Whether the library can be imported. It is not imported to find out."""
        return _found(self.module or self.name)

    @property
    def version(self) -> str:
        """The version of the library; "" where it is unknown."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return ""

    @property
    def need(self) -> str:
        """The text of the error when the library is missing, with the remedy."""
        return f"needs {self.name}, which is not installed: {self.install}"

    def __str__(self) -> str:
        return (
            f"{self.name} {self.version}".strip() if self.installed else f"{self.name}, not installed: {self.install}"
        )


def _found(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def library_of(card: Any) -> Library | None:
    """Return the library that a plugin needs, or None."""
    found = getattr(card.factory, "library", None)
    return found if isinstance(found, Library) else None


def require_library(card: Any) -> None:
    """Check that the library of a plugin is installed.

    Raises:
        GenbenchError: it is not installed; the message has the command that installs it.
    """
    library = library_of(card)
    if library and not library.installed:
        raise GenbenchError(f"{card.name} {library.need}")
