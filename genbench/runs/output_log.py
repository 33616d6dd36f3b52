"""The output of a process in a file: its beginning and its end.

Characters that move a terminal's cursor are removed.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO

__all__ = ["OutputLog"]

# Bytes, chosen by hand: some ten thousand lines, and the last screens, where errors stand.
HEAD = 2**20
TAIL = 2**16
# Lines end with \n alone: a progress bar that writes \r is a line for each of its states.
UNWANTED = bytes(sign for sign in range(32) if sign not in b"\t\n\r") + b"\x7f"
TO_LINES = bytes.maketrans(b"\r", b"\n")


class OutputLog:
    """A log of the output of a process. The file is created at the first output.

    Args:
        path: path of the file; None keeps only the end, in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)  # of an earlier attempt
        self._file: IO[bytes] | None = None
        self._tail = b""
        self._size = self._left_out = 0

    @property
    def tail(self) -> str:
        """The last part of the output."""
        return self._tail.decode(errors="replace")

    def add(self, printed: bytes) -> None:
        """Add output. Beyond `HEAD` bytes, only the end is kept."""
        clean = printed.replace(b"\r\n", b"\n").translate(TO_LINES, UNWANTED)
        head = clean[: max(0, HEAD - self._size)]
        self._size += len(clean)
        self._left_out += len(clean) - len(head)
        self._tail = (self._tail + clean)[-TAIL:]
        if head and self._path:
            self._write(head)

    def close(self) -> None:
        """Write the end of the output that was kept back."""
        if self._left_out and self._path:
            end = self._tail[-self._left_out :]
            if missing := self._left_out - len(end):
                self._write(f"\n… {missing:,} bytes are left out …\n".encode())
            self._write(end)
        if self._file:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _write(self, text: bytes) -> None:
        try:
            if self._file is None and self._path:
                self._path.parent.mkdir(exist_ok=True)
                self._file = self._path.open("wb", buffering=0)
            if self._file:
                self._file.write(text)
        except OSError:  # a full disk: the trial's record is what matters
            self._path = None
