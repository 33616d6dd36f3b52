"""Digests of genbench's own code, kept in the cache folder.

Parsing all the code would add two seconds to each start.
"""

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
    """Digests by name, for one state of the code.

    When any byte of the code changes, all of them are computed again.

    Args:
        file: where they are kept, such as in the user's cache folder. A damaged or missing file only costs time.
        folders: the folders with the code.
    """

    def __init__(self, file: Path, folders: Iterable[Path]) -> None:
        self.file, self.folders = file, sorted(folders)

    def get(self, name: str, compute: Callable[[], str]) -> str:
        """Return a digest from the cache, or compute it and keep it."""
        if name not in self._known:
            self._known[name] = compute()
            content = json.dumps({"code": self.code, "digests": self._known}, sort_keys=True).encode()
            with suppress(OSError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self.file, lambda out: out.write(content))
        return self._known[name]

    @cached_property
    def code(self) -> str:
        """The digest of the bytes of all files and of the version of Python."""
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
