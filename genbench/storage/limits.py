"""Limits on the size and form of a run's records, which a stranger may have written."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator

from genbench.contracts.model import LIKELIHOODS

__all__ = [
    "MANY",
    "RECORD",
    "RUN",
    "Amount",
    "Finite",
    "Likelihood",
    "Number",
    "Scores",
    "Seed",
    "Spread",
    "Whole",
    "is_key",
    "oversized",
]

# All by hand. The largest record of the reference runs has 20 KB, so that this is a history 400 times as long; a
# parsed record takes up to 25 times its bytes in memory.
RECORD = 2**23  # bytes of a trial's record, or of a sweep
RUN = 2**24  # bytes of run.json: the keys of 100,000 trials
MANY = 1_000  # metrics of a trial, and entries of what is shown whole
LONGEST = 2**19  # letters of a text; a stored traceback has 400,000 at most
KEY = re.compile(r"[A-Za-z0-9_+=][A-Za-z0-9_.+=-]{0,199}", re.ASCII)  # what `TrialSpec.key` gives has 150 at most


def _known_likelihood(text: str) -> str:
    if text not in LIKELIHOODS:
        raise ValueError(f"it must be one of {', '.join(LIKELIHOODS)}")
    return text


Number = Annotated[float, Ge(-math.inf)]  # any number, and no NaN
Finite = Annotated[float, Ge(-1e300), Le(1e300)]  # of seconds and megabytes
Spread = Annotated[float, Ge(0), Le(1e150)]  # whose square is a number, too
Whole = Annotated[int, Ge(0), Le(2**62)]
Scores = Annotated[dict[str, Number | None], Len(0, MANY)]
Likelihood = Annotated[str, AfterValidator(_known_likelihood)]
Seed = Annotated[int, Ge(0), Le(2**32 - 1)]  # what numpy's global generator takes
Amount = Annotated[int, Ge(0), Le(10**7)]  # of points, as many as may be asked for


def is_key(text: str) -> bool:
    """Whether a text can be the key of a trial, and so a file name in the folder of trials.

    >>> is_key("cfm-moons-0-1c2d3e4f5a6b"), is_key("../cfm"), is_key("a" * 5_000)
    (True, False, False)
    """
    return KEY.fullmatch(text) is not None


def oversized(content: Any) -> bool:
    """Whether parsed JSON has a text or a mapping that is larger than genbench writes."""
    todo = [content]
    while todo:
        part = todo.pop()
        if isinstance(part, str) and len(part) > LONGEST:
            return True
        if isinstance(part, dict):
            if len(part) > 10 * MANY or any(len(name) > LONGEST for name in part):
                return True
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(inner for inner in part if isinstance(inner, str | dict | list))
    return False
