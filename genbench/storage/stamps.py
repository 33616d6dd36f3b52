"""Stamps of files: what tells the record of a trial from one that is written later."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from genbench.storage.limits import is_key

__all__ = ["Stamp", "stamp_of", "stamps_in"]

Stamp: TypeAlias = tuple[int, int, int]  # number, time in nanoseconds, and size in bytes of a file


def stamp_of(file: Path) -> Stamp | None:
    """Return the stamp of a file; None if there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def stamps_in(folder: Path) -> dict[str, Stamp]:
    """Return the stamp of each trial's record in a folder by key, by one look at it."""
    found: dict[str, Stamp] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            key, dot, suffix = entry.name.rpartition(".")
            if dot and suffix == "json" and is_key(key):
                found[key] = (0, 0, 0)  # of a link to nowhere, which is no record
                with suppress(OSError):
                    facts = entry.stat()
                    found[key] = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
    return found
