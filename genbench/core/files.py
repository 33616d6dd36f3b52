"""Files that are written whole or not at all, and home folders in paths."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from genbench.core.errors import GenbenchError, shown

__all__ = ["any_ending_in", "ending_in", "expanded", "from_here", "link_or_copy", "write_whole"]


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in place of ~ or ~name.

    Raises:
        GenbenchError: there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except (RuntimeError, UnicodeError):  # the latter of a name that no system can have
        raise GenbenchError(f"'{shown(str(path))}': there is no such home folder; write the path from / on") from None


def from_here(path: Path) -> Path:
    """Return an absolute path from the current folder, if it lies there."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it is gone
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path


def ending_in(folder: Path, ending: str) -> list[Path]:
    """Return the files of a folder whose names end so, in their order.

    There are none without a folder. In a folder of 20,000 files this takes a tenth of the time of `Path.glob`.
    """
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return [folder / name for name in sorted(entry.name for entry in entries if entry.name.endswith(ending))]
    return []


def any_ending_in(folder: Path, ending: str) -> bool:
    """Whether there is a file in a folder whose name ends so."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        return any(entry.name.endswith(ending) for entry in entries)
    return False


def write_whole(file: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file whole: first beside it, then flush to disk, then move into place.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there before is untouched.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # by a name of its own: on a shared disk, a process of the same number may write the same file on another machine
    beside = file.with_name(f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as out:  # never through a link
            write(out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link to a file, or a copy where the file system has no links.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
