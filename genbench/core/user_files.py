"""Files of a user: which they are, their digests, and which of them some code opens.

A result is stale when a file that it was computed from has changed. An audit hook of Python records the files that a
plugin opens. It misses files that a library opens without Python, as those of HDF5 and netCDF do.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["OpenedFiles", "content_digest", "is_of_user", "opened_files"]

GROUPS = ("models", "datasets")  # parts of genbench that may lie outside its folder
LARGE = 2**28  # bytes, a quarter of a second of hashing; beyond it, size and time of change stand for the content
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")


class OpenedFiles:
    """The files that were opened inside a block of `opened_files`."""

    def __init__(self) -> None:
        self.begin = time.time_ns()
        self._read: dict[str, None] = {}
        self._written: set[str] = set()

    def note(self, path: Any, written: bool) -> None:
        """Record that a file was opened. What is not a path is ignored."""
        try:
            name = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):  # a number of a file that is open already
            return
        if name.endswith(".pyc"):
            with contextlib.suppress(ValueError):
                name = importlib.util.source_from_cache(name)
        if written:
            self._written.add(name)
        else:
            self._read.setdefault(name)

    def read(self, beside: Collection[Path] = ()) -> dict[str, str]:
        """Return the digests of the user's files that were only read, by path.

        Imported source code is left out, and so are files that were written or moved during the block.

        Args:
            beside: folders to leave out.
        """
        if not self._read:
            return {}
        sources = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        found = {}
        for name in list(self._read):
            path = Path(name)
            if name in self._written or name in sources or not is_of_user(path) or _below(path, beside):
                continue
            if path.is_file() and path.stat().st_ctime_ns < self.begin:
                found[name] = content_digest(path)
        return found


_open_blocks: list[OpenedFiles] = []


@contextmanager
def opened_files() -> Iterator[OpenedFiles]:
    """Record the files that are opened inside the block."""
    _listen()
    opened = OpenedFiles()
    _open_blocks.append(opened)
    try:
        yield opened
    finally:
        _open_blocks.remove(opened)


@cache
def _listen() -> None:
    """Have Python tell of files that are opened, from now on; a hook cannot be taken back."""
    writing = os.O_WRONLY | os.O_RDWR

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if _open_blocks and event in ("open", "sqlite3.connect"):
            mode, flags = (*arguments, None, None)[1:3]
            written = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool((flags or 0) & writing)
            for opened in _open_blocks:
                opened.note(arguments[0], written)

    sys.addaudithook(hook)


def content_digest(path: Path) -> str:
    """Return a digest that identifies the content of a file; "" if it cannot be read."""
    try:
        facts = path.stat()
        return _digest(str(path), facts.st_size, facts.st_mtime_ns)
    except OSError:
        return ""


@cache
def _digest(path: str, size: int, changed: int) -> str:
    if size > LARGE:
        return f"{size} bytes of {changed}"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def is_of_user(path: Path) -> bool:
    """Whether a file is the user's own.

    Files of the system and of installed packages are not.
    """
    parts = path.parts
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not _below(path, _installed())


@cache
def _installed() -> tuple[Path, ...]:
    """Return the folders of the system, of Python, of genbench, and of what programs keep for themselves."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    python = [sysconfig.get_path(name) for name in names]
    cache_home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    own = [importlib.util.find_spec(name) for name in ("genbench", *(f"genbench.{group}" for group in GROUPS))]
    packages = [folder for spec in own if spec for folder in spec.submodule_search_locations or ()]
    folders = set(map(Path, (*python, *SYSTEM, cache_home, *packages)))
    return tuple(folder for folder in folders if not Path(tempfile.gettempdir()).is_relative_to(folder))


def _below(path: Path, folders: Collection[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
