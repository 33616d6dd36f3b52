"""Plugins in the working folder that were not named, found by their text.

They are never imported.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from genbench.core.errors import shown

__all__ = ["plugin_hint"]

MOST_FILES, MOST_BYTES = 200, 200_000  # that are read; by hand: a folder of experiments, in some milliseconds
NAME = re.compile(r"[\w.-]{1,100}")  # what may be the name of a file, too


def plugin_hint(name: str, singular: str, folder: Path | None = None) -> str:
    """Return what to type for a plugin that was not named; "" if none is found.

    It is a part of an error. The Python files of a folder and of its subfolders are read: one that registers the name,
    or one that has this name itself.

    Args:
        name: that nothing loaded has.
        singular: "model", "dataset" or "metric".
        folder: where to look; the working folder unless given.
    """
    if not NAME.fullmatch(name):
        return ""
    here = folder or Path.cwd()
    of_name = []
    for file in _python_files(here):
        names = _registered(file, singular)
        where = shlex.quote(shown(str(file.relative_to(here)), 100))
        if name in names:
            return f"{where} registers it: add --plugin {where}"
        if names and file.stem == name.removesuffix(".py"):
            written = " and ".join(f"'{shown(one)}'" for one in names[:3])
            of_name.append(f"{where} registers {written}: write that name, and add --plugin {where}")
    return of_name[0] if of_name else ""


def _python_files(folder: Path) -> list[Path]:
    """Return the Python files of a folder, and then of the folders in it, as many as are read."""
    found: list[Path] = []
    try:
        for pattern in ("*.py", "[!.]*/*.py"):
            for file in folder.glob(pattern):
                found.append(file)
                if len(found) >= MOST_FILES:
                    return found
    except OSError:  # a folder that must not be read
        return found
    return found


def _registered(file: Path, singular: str) -> list[str]:
    """Return the names that a file registers, as its text says."""
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES:
            return []
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return re.findall(rf"""register_{singular}\(\s*(?:name\s*=\s*)?["']([^"'\n]+)["']""", text)
