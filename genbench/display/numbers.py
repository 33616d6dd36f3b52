"""Numbers as text: as many digits as their error supports, a power of ten where zeros would hide them, and ∞."""

from __future__ import annotations

import math
import re
from decimal import Decimal

__all__ = ["LARGE", "brief", "decimals", "with_error"]

MOST = 6  # decimals of a number that is written out
# A number is written with a power of ten if it and its error are below the first and need more decimals, or if it is
# above the second and its last digit is not known.
SMALL, LARGE = 1e-4, 1e7


def with_error(value: float, half: float | None) -> str:
    """Return a value and the half-width of its interval as text; None is no interval.

    >>> with_error(0.01234, 0.0021), with_error(1.24e-9, 3e-10), with_error(-math.inf, None)
    ('0.0123 ± 0.0021', '(1.24 ± 0.30)e-9', '-∞')
    """
    if not math.isfinite(value):
        return brief(value)
    half = half if half is not None and math.isfinite(half) else 0.0
    scale = half or abs(value) / 10  # two digits of the error, or of the value
    power, digits = _power(max(abs(value), half), scale), decimals(scale)
    if power is None:
        return f"{value:.{digits}f}" + (f" ± {half:.{digits}f}" if half else "")
    mantissa, error = (Decimal(number).scaleb(-power) for number in (value, half))
    digits = max(0, _wanted(scale) + power)
    return f"({mantissa:.{digits}f} ± {error:.{digits}f})e{power}" if half else f"{mantissa:.{digits}f}e{power}"


def brief(value: float, digits: int = 3) -> str:
    """Return a number with a few significant digits as text.

    >>> brief(0.12345), brief(1.2e-9), brief(math.inf)
    ('0.123', '1.2e-9', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return re.sub(r"e([+-])0*(\d)", lambda e: f"e{e[1].strip('+')}{e[2]}", f"{value:.{digits}g}")


def decimals(scale: float) -> int:
    """Return the decimals with which a number is written whose error is of this size."""
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
