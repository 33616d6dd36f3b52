"""Types of arrays, of ranges of hyper-parameters, of kinds of data, and of printing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, Predicate
from numpy.typing import NDArray

__all__ = [
    "KINDS",
    "Array",
    "Count",
    "Finite",
    "Labels",
    "Natural",
    "NotNegative",
    "Positive",
    "Say",
    "Share",
    "ShareBelowOne",
]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
KINDS = ("points", "table", "image", "series")

Say = Callable[[str], None]

# Ranges of hyper-parameters, which `genbench.core.parameters.bind` enforces.
Count = Annotated[int, Ge(1)]
Natural = Annotated[int, Ge(0)]
Finite = Annotated[float, Predicate(math.isfinite)]
Positive = Annotated[Finite, Gt(0)]
NotNegative = Annotated[Finite, Ge(0)]
Share = Annotated[Finite, Ge(0), Le(1)]
ShareBelowOne = Annotated[Finite, Ge(0), Lt(1)]
