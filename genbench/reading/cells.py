"""The content of a cell of a text table: a number, a date, a word or nothing.

It also finds the decimal sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Literal

__all__ = ["COMMA", "POINT", "Kind", "decimal_sign", "is_missing", "kind_of", "number", "tidy"]

Kind = Literal["missing", "whole", "number", "date", "truth", "word"]
POINT, COMMA = ".", ","
TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

MISSING = frozenset(
    ["", "na", "n/a", "#n/a", "#na", "nan", "null", "none", "nil", "missing", "-", "--", "–", "—", "?", ".", "*"]
)
ENOUGH = 10_000  # different cells of a column that the decimal sign is judged by; by hand: a tenth of a second
_MARKS = "'’ \u00a0\u2009\u202f"  # between thousands, whatever the decimal sign: apostrophes and spaces of all widths
_DATE = re.compile(r"(\d{4}([-/.]\d{1,2}){1,2}|\d{1,2}([-/.])\d{1,2}\3\d{4})([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?.*)?")
_WORDS = re.compile(r"[+-]?(inf|infinity|∞)", re.IGNORECASE)


def _pattern(decimal: str) -> re.Pattern[str]:
    """Return the pattern of a number: groups of three digits have one mark between them, and no zero leads them."""
    point = re.escape(decimal)
    marks = _MARKS + (POINT if decimal == COMMA else COMMA)
    whole = rf"[1-9]\d{{0,2}}(?P<mark>[{re.escape(marks)}])\d{{3}}(?:(?P=mark)\d{{3}})*|\d+"
    return re.compile(rf"[+-]?(?:(?:{whole})(?:{point}\d*)?|{point}\d+)(?:[eEdD][+-]?\d+)?")


_NUMBER = {decimal: _pattern(decimal) for decimal in (POINT, COMMA)}
_WHOLE = re.compile(r"[+-]?\d+")


def tidy(cell: str) -> str:
    """Return a cell without surrounding space, and with the ASCII minus sign."""
    return cell.strip().replace("\u2212", "-")


def is_missing(cell: str) -> bool:
    """Return whether a cell means a missing value: empty, NA, NaN, a dash, "?" and so on."""
    return cell.strip().lower() in MISSING


def number(cell: str, decimal: str) -> float | None:
    """Return the number in a tidy cell as the nearest float64; None if there is none.

    `decimal` is the decimal sign. Thousands may be separated. A number that is too large for float64 is infinite.
    """
    match = _NUMBER[decimal].fullmatch(cell)
    if match is None:
        return float(cell.lower().replace("∞", "inf")) if _WORDS.fullmatch(cell) else None
    digits = cell.replace(match["mark"], "") if match["mark"] else cell
    return float(digits.replace(decimal, POINT).lower().replace("d", "e"))


@lru_cache(maxsize=4096)
def kind_of(cell: str) -> Kind:
    """Return the kind of a cell; "whole" is a number that is written with digits only."""
    cell = tidy(cell)
    if is_missing(cell):
        return "missing"
    if _WHOLE.fullmatch(cell):
        return "whole"
    amount = cell.removesuffix("%").rstrip()
    if any(number(amount, decimal) is not None for decimal in (POINT, COMMA)):
        return "number"
    if _DATE.fullmatch(cell):
        return "date"
    return "truth" if cell.lower() in TRUTHS else "word"


def decimal_sign(columns: Iterable[Sequence[str]], separator: str) -> tuple[str, str]:
    """Return the decimal sign of a table's columns, and a cell that is ambiguous, or "".

    A number that only one of the signs allows decides: `0,5` and `1.234,5` have a decimal comma, `1,234.5` a point.
    `1,234` may be 1234 as well. If all numbers with marks are of this kind, the comma separates thousands if it
    separates cells, too, or if the same column has numbers below 1,000 without it. Otherwise it is the decimal sign.
    """
    votes = {POINT: 0, COMMA: 0}
    open_to_both: list[tuple[str, list[str]]] = []  # a cell with a comma, and its column
    pointed = ""
    for column in columns:
        cells = [tidy(cell).removesuffix("%").rstrip() for cell in islice(dict.fromkeys(column), ENOUGH)]
        for cell in cells:
            fits = [decimal for decimal in (POINT, COMMA) if _NUMBER[decimal].fullmatch(cell)]
            if len(fits) == 1:
                votes[fits[0]] += 1
            elif fits and COMMA in cell:
                open_to_both.append((cell, cells))
            elif fits and POINT in cell:
                pointed = cell
    if any(votes.values()):
        return max(votes, key=lambda decimal: votes[decimal]), ""
    if not open_to_both:
        return POINT, pointed if separator != COMMA else ""
    cell, cells = open_to_both[0]
    plain = [int(other) for other in cells if _WHOLE.fullmatch(other)]
    grouped = separator == COMMA or pointed or (plain and max(map(abs, plain)) < 1000)
    return (POINT if grouped else COMMA), cell
