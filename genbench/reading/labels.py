"""Labels in memory: one for each point, as whole numbers from 0 on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.types import Labels
from genbench.reading.arrays import as_array, is_array

__all__ = ["classes_of_labels"]


def classes_of_labels(labels: Any, n: int, name: str) -> tuple[Labels, list[str]]:
    """Return labels of n points as whole numbers from 0 on, and the name of each class.

    Classes are in the order of their values.

    Args:
        labels: whole numbers, text or booleans: an array, a column, a tensor or a list.
        name: the name of the points in errors.

    Raises:
        GenbenchError: there is not one label for each point, one is missing, or they are measurements instead of
            classes.
    """
    if not (is_array(labels) or isinstance(labels, list | tuple)):
        raise GenbenchError(f"{name}: the second of a pair is {type(labels).__name__}; give labels [{n}], or a list")
    y = _values(labels, name)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (n,):
        raise GenbenchError(
            f"{name}: the labels have the shape {y.shape}, not ({n},); several data sets are a list: [x, z]"
        )
    values = y.tolist()
    if missing := [i for i, value in enumerate(values) if _is_missing(value)]:
        raise GenbenchError(
            f"{name}: {len(missing)} labels are missing, the first in row {missing[0]}; drop those rows"
        )
    odd = next((value for value in values if not isinstance(value, int | float | str)), None)
    if odd is not None:
        raise GenbenchError(f"{name}: the label {str(odd)[:20]} is {type(odd).__name__}; give whole numbers or text")
    if parts := [value for value in values if isinstance(value, float) and not value.is_integer()]:
        raise GenbenchError(f"{name}: the label {parts[0]:g} is no class; put measurements into a column of the data")
    whole = [int(value) if isinstance(value, float) else value for value in values]
    distinct = sorted(set(whole), key=lambda value: (isinstance(value, str), value))
    if len(distinct) < 2 or 2 * len(distinct) > n:  # as for a column of a file
        raise GenbenchError(f"{name}: the labels have {len(distinct)} classes in {n} rows; give fewer, from 2, or none")
    place = {value: i for i, value in enumerate(distinct)}
    return np.array([place[value] for value in whole], dtype=np.int64), [str(value) for value in distinct]


def _values(labels: Any, name: str) -> NDArray[Any]:
    """Return labels as an array, of objects where they are not all numbers."""
    if hasattr(labels, "detach") or np.ma.isMaskedArray(labels) or hasattr(labels, "nnz"):
        return as_array(labels, f"{name}: the array of labels")
    try:
        y = np.asarray(labels)
    except ValueError:
        raise GenbenchError(f"{name}: labels have rows of different lengths; give one of each point") from None
    return np.asarray(labels, dtype=object) if y.dtype.kind not in "biuf" else y


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124
