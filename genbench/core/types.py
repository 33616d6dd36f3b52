"""Names of array types, the kinds of data, and the type of what prints a line of news."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Array", "Labels", "Say"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
KINDS = ("points", "table", "image", "series")

Say = Callable[[str], None]
