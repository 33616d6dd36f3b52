"""The line of a field in a TOML file, for errors about its value."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

__all__ = ["line_of_field"]


def line_of_field(text: str, path: Sequence[str | int]) -> int:
    r"""Return the line, counted from 1, on which a field begins; 0 if it is missing.

    In a list over several lines, each field or text has its own line.

    Args:
        text: the text of the file, valid TOML.
        path: names of the tables and of the field, and positions in lists.

    >>> line_of_field('seeds = 3\n[models.vae]\nhidden = 64', ["models", "vae", "hidden"])
    3
    """
    lines = text.splitlines()
    begin = 0  # lines of the longest beginning of the file that is a file by itself
    for end in range(1, len(lines) + 1):
        try:
            found = _at(tomllib.loads("\n".join(lines[:end])), path)
        except tomllib.TOMLDecodeError:
            continue
        if found is not None:
            named = [part for part in path if isinstance(part, str)][-1:]
            needle = found if isinstance(found, str) else "".join(named)
            own = [n for n in range(begin, end) if needle in lines[n]]
            return (own[0] if own else begin) + 1
        begin = end
    return 0


def _at(data: Any, path: Sequence[str | int]) -> Any:
    """Return what is at a place of parsed TOML; None where nothing is."""
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data
