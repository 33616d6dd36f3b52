"""Numbers as text, with as many digits as their error supports.

A power of ten is used where zeros would hide the digits, and ∞ for infinity.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

__all__ = ["LARGE", "bound", "brief", "decimals", "in_words", "with_error"]

WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
MOST = 6  # decimals of a number that is written out
# A number is written with a power of ten if it and its error are below the first and need more decimals, or if it is
# above the second and its last digit is not known.
SMALL, LARGE = 1e-4, 1e7


def with_error(value: float, half: float | None, places: int | None = None) -> str:
    """Return a value and the half-width of its interval as text; None means no interval.

    Two digits of the half-width are written, or `places` decimals. If these would show only zeros, a power of ten is
    used.

    >>> with_error(0.01234, 0.0021), with_error(1.24e-9, 3e-10), with_error(-math.inf, None)
    ('0.0123 ± 0.0021', '(1.24 ± 0.30)e-9', '-∞')
    >>> with_error(0.01234, 0.0021, 3), with_error(0.01234, 0.0001, 2), with_error(0.0004, 0.0002, 2)
    ('0.012 ± 0.002', '0.01 ± 0.01', '(4.00 ± 2.00)e-4')
    """
    if not math.isfinite(value):
        return brief(value)
    half = half if half is not None and math.isfinite(half) else 0.0
    if places is not None:
        return _fixed(value, half, places)
    scale = half or abs(value) / 10  # two digits of the error, or of the value
    power, digits = _power(max(abs(value), half), scale), decimals(scale)
    if power is None:
        return f"{value:.{digits}f}" + (f" ± {half:.{digits}f}" if half else "")
    mantissa, error = (Decimal(number).scaleb(-power) for number in (value, half))
    digits = max(0, _wanted(scale) + power)
    return f"({mantissa:.{digits}f} ± {error:.{digits}f})e{power}" if half else f"{mantissa:.{digits}f}e{power}"


def _fixed(value: float, half: float, places: int) -> str:
    """Return a value and the half-width of its interval with `places` decimals; no half-width is rounded to 0."""
    size, unit = max(abs(value), half), 10.0**-places
    power = math.floor(math.log10(size)) if 0 < size < unit / 2 else 0
    mantissa, error = (Decimal(number).scaleb(-power) for number in (value, half))
    text = f"{mantissa:z.{places}f}" + (f" ± {max(float(error), unit):.{places}f}" if half else "")
    return (f"({text})e{power}" if half else f"{text}e{power}") if power else text


def brief(value: float, digits: int = 3) -> str:
    """Return a number with a few significant digits as text.

    >>> brief(0.12345), brief(1.2e-9), brief(math.inf)
    ('0.123', '1.2e-9', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return re.sub(r"e([+-])0*(\d)", lambda e: f"e{e[1].strip('+')}{e[2]}", f"{value:.{digits}g}")


def bound(value: float, digits: int, *, up: bool) -> str:
    """Return a bound with `digits` decimals, rounded up or down so that it still holds.

    A large one is written as by `brief`.

    >>> bound(1.7845, 1, up=False), bound(1.7145, 1, up=True)
    ('1.7', '1.8')
    """
    if not abs(value) < LARGE or (0 < abs(value) < SMALL and digits >= MOST):
        return brief(value, 2)
    exact = Decimal(f"{value:.12g}")  # 1.2 and not 1.2000000000000002, which would be rounded up to 1.3
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_CEILING if up else ROUND_FLOOR):,f}"


def in_words(n: int) -> str:
    """Return a number of things in words, up to twelve.

    >>> in_words(0), in_words(12), in_words(1300)
    ('no', 'twelve', '1,300')
    """
    return WORDS[n] if n < len(WORDS) else f"{n:,}"


def decimals(scale: float) -> int:
    """Return the number of decimals for a number whose error has this size."""
    return min(MOST, max(0, _wanted(scale))) if 0 < scale < math.inf else 0


def _wanted(scale: float) -> int:
    """Return the place after the point of the second digit of a positive number; before the point it is negative."""
    return 1 - math.floor(math.log10(scale))


def _power(size: float, scale: float) -> int | None:
    """Return the power of ten to write with a number of this size and error; None to write it out."""
    if scale == 0:
        return None
    hidden = size < SMALL and _wanted(scale) > MOST
    padded = size >= LARGE and _wanted(scale) < 0
    return math.floor(math.log10(size)) if hidden or padded else None
