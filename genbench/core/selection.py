"""The selection syntax: `name`, `name[param=value,param=value]`, and comma lists of these."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genbench.core.errors import GenbenchError

__all__ = ["Selection", "parse", "parse_list"]

_WORDS = {"true": True, "false": False, "none": None}
_SPEC = re.compile(r"^(?P<name>[^\[\]=,]+?)\s*(?:\[(?P<params>.*)\])?$", re.DOTALL)


@dataclass(frozen=True)
class Selection:
    """A name with parameters, as the user asked for it.

    >>> str(parse("vae[latent_dim=4]"))
    'vae[latent_dim=4]'
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.params:
            return self.name
        inside = ",".join(f"{key}={_write(value)}" for key, value in sorted(self.params.items()))
        return f"{self.name}[{inside}]"


def parse(text: str) -> Selection:
    """Parse one `name[param=value,…]`; values are Python literals, true, false, none, or bare words.

    Raises:
        GenbenchError: the text does not follow the syntax.
    """
    match = _SPEC.match(text.strip())
    if not match:
        raise GenbenchError(f"cannot read '{text}': write name or name[param=value,param=value]")
    params: dict[str, Any] = {}
    for part in _split(match["params"] or ""):
        key, equals, value = part.partition("=")
        if not equals or not key.strip().isidentifier() or not value.strip():
            raise GenbenchError(f"cannot read '{part}' in '{text}': write param=value")
        if key.strip() in params:
            raise GenbenchError(f"parameter '{key.strip()}' is given twice in '{text}'; give it once")
        params[key.strip()] = _read(value.strip())
    return Selection(match["name"].strip(), params)


def parse_list(text: str) -> list[Selection]:
    """Parse a comma list of specs; commas inside brackets belong to the parameters.

    Raises:
        GenbenchError: the list is empty, a bracket is left open, or a part cannot be read.
    """
    parts = _split(text)
    if not parts:
        raise GenbenchError("an empty selection; name at least one, or 'all'")
    return [parse(part) for part in parts]


def _split(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if depth < 0:
            raise GenbenchError(f"a bracket is closed before it is opened in '{text}'")
        if letter == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    if depth:
        raise GenbenchError(f"a bracket is left open in '{text}'; close it with ]")
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _read(value: str) -> Any:
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _write(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_write, value))}]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
