"""The syntax of selections: `name`, `name[param=value,param=value]`, and comma lists.

A value is a number, true, false, none, a list `[1,2]`, a mapping `{a:1}`, or text; `[tuned]` alone is `[tuned=true]`. A
name or text that contains a comma, a bracket or an '=' is written in quotes, "…" or '…'; inside, a quote of the same
kind is written twice. A backslash has no special meaning, so that Windows paths work.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genbench.core.errors import GenbenchError, shown

__all__ = ["TUNED", "Params", "Selection", "as_text", "as_written", "parse", "parse_list"]

TUNED = "tuned"  # the word, or parameter, that stands for what `genbench tune` found
WORDS = {"true": True, "false": False, "none": None}
QUOTES = ('"', "'")
DEPTH = 20  # of lists in lists, by hand: far more than any parameter has
LONGEST_LIST = 10_000  # selections; by hand: as many rows as a table may have and still be read
BITS = 14_000  # of a whole number: Python writes and reads 4,300 digits

_SPACE = re.compile(r"\s*")
_BRACKET = re.compile(r"[\[\](){}]")
_KEY = re.compile(r"\s*([^\W\d]\w*)\s*=")
_WORD = re.compile(rf"\s*({TUNED})\s*(?=[,\]])")
_INT = re.compile(r"[+-]?(?:0|[1-9][0-9_]*)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|inf|nan)", re.ASCII)


class Params(dict[str, Any]):
    """Parameters by name, with the text that was written for each in `texts`.

    A text parameter takes that text: 1e5, not 100000.0.
    """

    def __init__(self, values: Mapping[str, Any] = {}, texts: Mapping[str, str] = {}) -> None:
        super().__init__(values)
        self.texts = dict(texts)


@dataclass(frozen=True)
class Selection:
    """A name with parameters, as the user asked for it.

    Tuples among the parameters become lists.

    >>> str(parse("vae[latent_dim=4]"))
    'vae[latent_dim=4]'
    >>> str(parse("csv[ path = 'a, b.csv' ]"))
    'csv[path="a, b.csv"]'
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = getattr(self.params, "texts", {})
        object.__setattr__(self, "params", Params({key: _listed(v) for key, v in self.params.items()}, texts))

    def __str__(self) -> str:
        name = _write_name(self.name)
        if not self.params:
            return name
        return f"{name}[{','.join(_write_param(key, value) for key, value in sorted(self.params.items()))}]"


def parse(text: str) -> Selection:
    """Parse one `name[param=value,…]`.

    Raises:
        GenbenchError: the text does not follow the syntax.
    """
    reader = _Reader(text)
    found = reader.selection()
    if reader.rest():
        raise GenbenchError(f"cannot read '{shown(text)}': write name or name[param=value,param=value]")
    return found


def parse_list(text: str) -> list[Selection]:
    """Parse a comma list of selections.

    Commas in brackets and quotes do not separate selections.

    Raises:
        GenbenchError: the list is empty, a bracket or quote is left open, or a part cannot be read.
    """
    reader, found = _Reader(text), []
    while rest := reader.rest():
        if rest == ",":
            reader.at += 1
        else:
            found.append(reader.selection())
            if len(found) > LONGEST_LIST:
                raise GenbenchError(f"'{shown(text)}' has more than {LONGEST_LIST:,} parts; select fewer at once")
            if reader.rest() not in ("", ","):
                raise reader.unreadable()
    if not found:
        raise GenbenchError("the selection is empty; give at least one name, or all")
    return found


def as_written(selection: Selection) -> str:
    """Return a selection as it was written, with 1e5 where `str` has 100000.0.

    For a text parameter these two differ.

    >>> as_written(parse("csv[label = 1e5]"))
    'csv[label=1e5]'
    """
    texts = getattr(selection.params, "texts", {})
    params = (_write_param(key, value, texts.get(key)) for key, value in sorted(selection.params.items()))
    return _write_name(selection.name) + (f"[{','.join(params)}]" if selection.params else "")


def as_text(written: str) -> Any:
    """Return a parameter's value with numbers and words left as text.

    Examples are "1e5" and ["2024", "true"].

    Raises:
        GenbenchError: the text is not a value.
    """
    return _Reader(written, literal=False).value("")


class _Reader:
    """Reads a text from left to right, each letter a bounded number of times.

    Args:
        literal: make numbers, booleans and None of what reads as one.
    """

    def __init__(self, text: str, literal: bool = True) -> None:
        self.text, self.literal, self.at = text, literal, 0

    def rest(self) -> str:
        """Skip space and return the next letter; empty at the end."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.text[self.at : self.at + 1]

    def unreadable(self, remedy: str = "write name or name[param=value,param=value]") -> GenbenchError:
        return GenbenchError(f"cannot read '{shown(self.text[self.at :])}' in '{shown(self.text)}': {remedy}")

    def selection(self) -> Selection:
        quoted = self.rest() in QUOTES
        name = self._quoted() if quoted else self._bare(",[]=")
        following = self.rest()
        if following not in ("", ",", "[") or not (name or quoted):
            raise self.unreadable()
        if following != "[":
            return Selection(name)
        self.at += 1
        return Selection(name, self._params())

    def _params(self) -> Params:
        """Read `param=value,…]`."""
        params = Params()
        while (following := self.rest()) != "]":
            if following == ",":
                self.at += 1
                continue
            key = _KEY.match(self.text, self.at)
            if (word := _WORD.match(self.text, self.at)) and word[1] not in params:
                params[word[1]], self.at = True, word.end()
                continue
            if not following:
                raise GenbenchError(f"a bracket is left open in '{shown(self.text)}'; close it with ]")
            if not key:
                raise self.unreadable("write param=value")
            if key[1] in params:
                raise GenbenchError(f"parameter '{key[1]}' is given twice in '{shown(self.text)}'; give it once")
            self.at = start = key.end()
            if self.rest() in (",", "]"):
                raise self.unreadable(f"write a value after '{key[1]}='")
            params[key[1]] = self.value(",]")
            params.texts[key[1]] = self.text[start : self.at].strip()
        self.at += 1
        return params

    def value(self, stops: str, depth: int = 0) -> Any:
        """Read a value up to one of the letters `stops`, or to the end where there is none."""
        if depth > DEPTH:
            raise GenbenchError(f"'{shown(self.text)}' has lists in lists, {DEPTH} deep; write fewer")
        first = self.rest()
        found: Any
        if first in QUOTES:
            found = self._quoted()
        elif first == "[":
            self.at += 1
            found = self._items("]", depth)
        elif first == "{":
            found = self._mapping(depth)
        else:
            text = self._bare(stops)
            if text[:1] == "(" and text[-1:] == ")" and "," in text:  # a tuple, as Python writes it
                return _Reader(text[1:-1] + "]", self.literal)._items("]", depth)
            return _scalar(text) if self.literal else text
        if self.rest() and self.rest() not in stops:
            raise self.unreadable("put the whole value in quotes")
        return found

    def _items(self, close: str, depth: int) -> list[Any]:
        items = []
        while (following := self.rest()) != close:
            if not following:
                raise GenbenchError(f"a bracket is left open in '{shown(self.text)}'; close it with {close}")
            if following == ",":
                self.at += 1
            else:
                items.append(self.value("," + close, depth + 1))
        self.at += 1
        return items

    def _mapping(self, depth: int) -> dict[Any, Any]:
        """Read `{key:value,…}`; keys are text or numbers."""
        self.at += 1
        found: dict[Any, Any] = {}
        while (following := self.rest()) != "}":
            if not following:
                raise GenbenchError(f"a bracket is left open in '{shown(self.text)}'; close it with }}")
            if following == ",":
                self.at += 1
                continue
            key = self.value(":,}", depth + 1)
            if self.rest() != ":" or isinstance(key, list | dict):
                raise self.unreadable("write {key:value}")
            self.at += 1
            found[key] = self.value(",}", depth + 1)
        self.at += 1
        return found

    def _quoted(self) -> str:
        """Read text in quotes, in which two quotes are one."""
        quote, start, parts = self.text[self.at], self.at + 1, []
        while (end := self.text.find(quote, start)) >= 0:
            parts.append(self.text[start:end])
            self.at = start = end + 1
            if self.text[start : start + 1] != quote:
                return quote.join(parts)
            start += 1
        raise GenbenchError(f"a quote is left open in '{shown(self.text)}'; close it with {quote}")

    def _bare(self, stops: str) -> str:
        """Read text up to one of `stops` outside of brackets, without the space around it."""
        depth, start = 0, self.at
        letters = re.compile(f"{_BRACKET.pattern[:-1]}{re.escape(stops)}]")
        while found := letters.search(self.text, self.at):
            self.at, letter = found.start(), found[0]
            if depth == 0 and letter in stops:
                return self.text[start : self.at].strip()
            depth += (letter in "[({") - (letter in "])}")
            if depth < 0:
                raise GenbenchError(f"a bracket is closed before it is opened in '{shown(self.text)}'")
            self.at += 1
        if depth:
            raise GenbenchError(f"a bracket is left open in '{shown(self.text)}'; close it with ]")
        self.at = len(self.text)
        return self.text[start:].strip()


def _scalar(text: str) -> Any:
    """Return the number, boolean or None that a text without quotes stands for, or the text itself."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return _same_nan(float(text))
    except ValueError:  # more digits than Python reads; or a stray underscore
        pass
    return text


def _listed(value: Any) -> Any:
    """Return a value as it is read back from the text of a selection: in plain lists, mappings, numbers and text."""
    if isinstance(value, Mapping):
        return {key: _listed(v) for key, v in value.items()}
    if hasattr(value, "tolist"):  # of numpy: an array, or one of its numbers
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_listed(v) for v in value]
    if isinstance(value, int) and value.bit_length() > BITS:
        raise GenbenchError("a parameter is a whole number of more than 4,000 digits; write a smaller one")
    if isinstance(value, float):
        return _same_nan(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _same_nan(number: float) -> float:
    """Return a number, and for each NaN the same one, so that equal selections are equal."""
    return math.nan if math.isnan(number) else number


def _write_param(key: str, value: Any, text: str | None = None) -> str:
    """Write a parameter; `text` is how its value was written, where that is known."""
    return key if key == TUNED and value is True else f"{key}={text or _write(value)}"


def _write(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_write, value))}]"
    if isinstance(value, dict):
        inside = (f"{_quote(k) if isinstance(k, str) else _write(k)}:{_write_inside(v)}" for k, v in value.items())
        return f"{{{','.join(inside)}}}"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    try:
        reader = _Reader(text + "]")
        same = reader.value(",]") == text and reader.at == len(text)
    except GenbenchError:
        same = False
    return text if same and text else _quote(text)


def _write_inside(value: Any) -> str:
    """Write a value of a mapping: text in quotes, whatever it holds."""
    return _quote(value) if isinstance(value, str) else _write(value)


def _write_name(name: str) -> str:
    try:
        reader = _Reader(name)
        same = bool(name) and name[0] not in QUOTES and reader._bare(",[]=") == name and reader.at == len(name)
    except GenbenchError:
        same = False
    return name if same else _quote(name)


def _quote(text: str) -> str:
    quote = "'" if '"' in text and "'" not in text else '"'
    return f"{quote}{text.replace(quote, 2 * quote)}{quote}"
