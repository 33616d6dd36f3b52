"""Durations as people write them."""

from __future__ import annotations

import re

from genbench.core.errors import GenbenchError

__all__ = ["duration", "parse_duration"]

UNITS = {"h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}


def parse_duration(given: str | float) -> float:
    """Return the seconds of "2h", "1h30m", "90min", "45s", or of a number of seconds.

    >>> parse_duration("1h30m"), parse_duration("0.5h"), parse_duration(20)
    (5400.0, 1800.0, 20.0)

    Raises:
        GenbenchError: it is none of these, or it is 0.
    """
    text = (given if isinstance(given, str) else f"{given:.9f}").replace(" ", "")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)?", text)
    whole = "".join(number + unit for number, unit in parts)
    bare = sum(not unit for _, unit in parts)
    if whole != text or not parts or (bare and len(parts) > 1):
        raise GenbenchError(f"time '{given}' cannot be read; write hours, minutes or seconds: 2h, 1h30m, 45s")
    seconds = sum(float(number) * UNITS[unit or "s"] for number, unit in parts)
    if seconds <= 0:
        raise GenbenchError(f"time '{given}' leaves nothing to run; give more")
    return seconds


def duration(seconds: float) -> str:
    """Return a number of seconds as text with at most two units.

    >>> duration(42.4), duration(330), duration(9000)
    ('42 s', '6 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
