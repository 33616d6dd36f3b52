"""Alignment of numbers in a column at their decimal points."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["paddings"]

WHOLE = re.compile(r"[^.\d]*[\d,]*")  # a sign and the digits before the decimal point
POINT, ERROR = ".", " ± "


def paddings(texts: Sequence[str]) -> list[str]:
    """Return the invisible text after each text that aligns their decimal points.

    The texts are right-aligned. All digits have one width, but a point and a ± do not: the missing ones of each kind
    are counted separately.

    >>> paddings(["0.25 ± 0.01", "≤ 12.5 ± 0.1", "3", "–"])
    ['', '00', '00000.. ± ', '00000.. ± ']
    """
    tails = [WHOLE.sub("", text, count=1) for text in texts]
    figures = [sum(letter.isdigit() for letter in tail) for tail in tails]
    points, errors = [tail.count(POINT) for tail in tails], [ERROR in tail for tail in tails]
    most = max(figures, default=0), max(points, default=0), max(errors, default=False)
    return [
        "0" * (most[0] - n) + POINT * (most[1] - p) + ERROR * (most[2] - e)
        for n, p, e in zip(figures, points, errors, strict=True)
    ]
