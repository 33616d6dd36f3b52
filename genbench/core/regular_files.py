"""Files from elsewhere, opened only if they are safe to read.

A file must be a regular file of a bounded size inside its folder.

A folder from elsewhere may hold a link to /dev/zero or to a file outside, a pipe that no process writes to, or a very
large file. genbench does not read these, and does not wait for them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["Refused", "link_outside", "open_regular", "read_regular", "write_within"]

# Not to wait for whoever writes to a pipe, and not to follow a link that took the file's place meanwhile.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
CHUNK = 2**20  # bytes that are read at once


class Refused(OSError):
    """The reason why a file is not read, as a clause whose subject is the file."""


@contextmanager
def open_regular(file: Path, folder: Path | None = None, most: int | None = None) -> Iterator[BinaryIO]:
    """Open a regular file for reading.

    Args:
        folder: the folder that must contain the file after all links are followed; None for any place.
        most: the largest size, in bytes; None for any size.

    Raises:
        Refused: it is not a regular file, is in another place, or is larger.
        OSError: the file is missing, or cannot be opened.
    """
    real = os.path.realpath(file)
    if folder is not None and not _inside(real, os.path.realpath(folder)):
        raise Refused("is a link to a place outside of its folder")
    if not stat.S_ISREG(os.stat(real).st_mode):  # asked before it is opened, which may wait or wind a tape
        raise Refused("is no regular file")
    with os.fdopen(os.open(real, FLAGS), "rb") as opened:
        facts = os.fstat(opened.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Refused("is no regular file")
        if most is not None and facts.st_size > most:
            raise Refused(f"has {facts.st_size:,} bytes, more than the {most:,} that such a file may have")
        yield opened


def read_regular(file: Path, folder: Path | None = None, most: int = 2**23) -> bytes:
    """Return the content of a regular file; arguments and errors are those of `open_regular`."""
    with open_regular(file, folder, most) as opened:
        parts, left = [], most + 1  # whatever its size was said to be
        while left > 0 and (part := opened.read(min(CHUNK, left))):
            parts.append(part)
            left -= len(part)
    if left <= 0:
        raise Refused(f"has more than the {most:,} bytes that such a file may have")
    return b"".join(parts)


def link_outside(file: Path, folder: Path) -> bool:
    """Whether a path leads out of a folder when all links are followed."""
    return not _inside(os.path.realpath(file), os.path.realpath(folder))


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def write_within(folder: Path, *parts: str) -> Path:
    """Return a folder inside another one for writing files. It is made if missing.

    Raises:
        Refused: the folder is a link to a place outside.
        OSError: the folder cannot be made.
    """
    inner = folder.joinpath(*parts)
    if link_outside(inner, folder):
        raise Refused("is a link to a place outside of its folder")
    inner.mkdir(parents=True, exist_ok=True)
    return inner
