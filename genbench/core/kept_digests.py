"""Digests of genbench's own code, kept in the cache folder: to parse it all takes two seconds of each start."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from genbench.core.files import write_whole

__all__ = ["KeptDigests"]

LARGEST = 2**20  # bytes of the file; by hand: it has some ten kB


class KeptDigests:
    """Digests by name, of one state of the code. Another state, by as much as a byte, knows none of them.

    Args:
        file: where they are kept, such as in the user's cache folder. What is wrong with it costs time alone.
        folders: of the code.
    """

    def __init__(self, file: Path, folders: Iterable[Path]) -> None:
        self.file, self.folders = file, sorted(folders)

    def get(self, name: str, compute: Callable[[], str]) -> str:
        """Return a digest that is kept, or compute and keep it."""
        if name not in self._known:
            self._known[name] = compute()
            content = json.dumps({"code": self.code, "digests": self._known}, sort_keys=True).encode()
            with suppress(OSError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self.file, lambda out: out.write(content))
        return self._known[name]

    @cached_property
    def code(self) -> str:
        """The digest of all files, as they are, and of the Python that parses them."""
        found = hashlib.sha256(sys.version.encode())
        for folder in self.folders:
            for file in sorted(folder.rglob("*.py")):
                found.update(f"\n{file.relative_to(folder).as_posix()}\n".encode() + file.read_bytes())
        return found.hexdigest()

    @cached_property
    def _known(self) -> dict[str, str]:
        with suppress(OSError, ValueError, RecursionError):
            content: Any = json.loads(self.file.read_bytes()[:LARGEST])
            if isinstance(content, dict) and content.get("code") == self.code:
                digests = content.get("digests")
                if isinstance(digests, dict) and all(isinstance(one, str) for one in digests.values()):
                    return digests
        return {}
