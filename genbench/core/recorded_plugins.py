"""Plugins that the records of a run name, and which of them may be imported.

For the others, it says what to type.

A run's folder may come from anybody, so code is not executed only because the folder names it. Imported are plugins of
installed packages, plugins that the user names, and files whose content the user trusts.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from genbench.core.errors import GenbenchError, shown
from genbench.core.plugin_loading import LOADED
from genbench.core.registry import Group, discover
from genbench.core.trust import shown_path, trust_in

__all__ = ["CODE", "NeedsPlugin", "code_files", "discover_recorded", "remedy", "require"]

CODE = "is code that the run only names"


class NeedsPlugin(GenbenchError):
    """The run's records name code that is needed here, and that the user does not trust."""


def discover_recorded(sources: Iterable[str], groups: tuple[str, ...] = ("models", "datasets", "metrics")) -> None:
    """Import the built-in and installed plugins, and the recorded files that are trusted.

    It prints a line for each trusted file.
    """
    discover(groups=groups)
    for source in dict.fromkeys(sources):
        if source not in LOADED and source.endswith(".py") and _trusted(source):
            discover((source,))


def require(sources: Iterable[str], *wanted: tuple[Group[Any], str]) -> None:
    """Import the recorded plugins that may be imported; fail if a wanted name is missing.

    Args:
        sources: the plugins, by their names in the records.
        wanted: names of plugins, each with its group.

    Raises:
        NeedsPlugin: the name is in code that may not be imported; the message says what to type.
        GenbenchError: no plugin has that name.
    """
    sources = list(sources)
    if all(name in group.cards for group, name in wanted) and all(source in LOADED for source in sources):
        return
    discover_recorded(sources)
    for group, name in wanted:
        if name not in group.cards:
            if words := remedy(sources):
                raise NeedsPlugin(f"{group.singular} {shown(name)} {CODE}; {words}")
            group[name]  # which says what is known


def code_files(source: str) -> list[str]:
    """Return the files of a recorded plugin: those of a folder, or the file itself."""
    folder = Path(source)
    return [str(file) for file in sorted(folder.glob("[!_]*.py"))] if folder.is_dir() else [source]


def remedy(sources: Iterable[str]) -> str:
    """Return what to type to import recorded plugins; "" if all are imported already."""
    files = [Path(source) for source in dict.fromkeys(sources) if source not in LOADED]
    if not files:
        return ""
    words = []
    for file in files[:3]:
        name = shown_path(file)
        if file.suffix != ".py":
            words.append(f"install the package of {name}")
        elif file.is_file():
            # quoted, since it is pasted into a shell, and a stranger chose the name
            typed = shlex.quote(name)
            words.append(f"if you trust {name}, add --plugin {typed}, or type: genbench trust {typed}")
        else:
            words.append(f"{name} is not here: add --plugin with its place")
    return "; ".join(words)


@cache
def _trusted(source: str) -> bool:
    """Whether a recorded file is trusted as it is; the first process says so."""
    found = trust_in(Path(source))
    if found is None:
        return False
    if sys.pycache_prefix is None:  # compiled files beside a source are not covered by its digest
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        sys.pycache_prefix = str(Path(base) / "genbench" / "bytecode")
    if multiprocessing.parent_process() is None:
        line = f"genbench: the run's plugin {shown_path(Path(source))} is imported: trusted since {found.since}"
        print(line, file=sys.stderr)
    return True
