"""JSON that every parser reads, with infinity as the text "Infinity" or "-Infinity".

JSON itself has no infinite numbers.
"""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["strict_json"]


def strict_json(value: Any) -> str:
    """Return plain data as indented JSON.

    `float` and pydantic read "Infinity" back as infinity.

    Raises:
        ValueError: a number is NaN; unknown values must be None.

    >>> strict_json([1.5, float("-inf")]).split()
    ['[', '1.5,', '"-Infinity"', ']']
    """
    try:
        return json.dumps(value, indent=1, allow_nan=False)
    except ValueError:
        return json.dumps(_in_words(value), indent=1, allow_nan=False)


def _in_words(value: Any) -> Any:
    """Return plain data with text in place of infinite numbers."""
    if isinstance(value, dict):
        return {name: _in_words(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(part) for part in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
