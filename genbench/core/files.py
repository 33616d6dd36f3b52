"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

__all__ = ["write_whole"]


def write_whole(file: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write to a file beside it, flush it to the disk, and move it into place.

    Raises:
        OSError: the disk is full or the folder cannot be written; what was there before is untouched.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as out:
            write(out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
