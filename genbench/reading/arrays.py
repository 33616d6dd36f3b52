"""Lists, NumPy arrays, data frames and tensors as arrays of the same numbers.

A conversion that would lose something is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.types import Array

__all__ = ["as_array", "exact", "is_array", "no_missing"]

WHOLE = 2**53  # float64 holds each whole number up to here
NUMBERS = "biuf"  # of NumPy's kinds: booleans, whole numbers, floats
OTHER = {  # what else an array may hold, and what to do then
    "c": "complex numbers; pass their real and imaginary parts as columns",
    "M": "dates; pass numbers, such as days since the first",
    "m": "time spans; divide by a unit, such as numpy.timedelta64(1, 's')",
    "V": "records; pass a data frame, or stack their fields as columns",
    "U": "text",
    "S": "text",
}


def is_array(data: Any) -> bool:
    """Whether an object is an array, a tensor, a data frame or a column.

    Plain Python objects are not.
    """
    return not isinstance(data, str | bytes) and (hasattr(data, "__array__") or hasattr(data, "toarray"))


def as_array(data: Any, name: str) -> NDArray[Any]:
    """Return data as a numpy array of booleans, whole numbers or floats.

    A data frame becomes its columns, in float64.

    Args:
        data: an array, a tensor on any device, a data frame, a column, or a list of numbers or of rows.
        name: the name of the data in errors.

    Raises:
        GenbenchError: it holds anything else (text, dates, complex numbers, objects), is sparse or masked, rows have
            different lengths, or float64 would round it.
    """
    if _is(data, "pandas", "DataFrame"):
        return _frame(data, name)
    if _is(data, "pandas", "Series"):
        return _column(data, f"{name}: column '{data.name}'" if data.name is not None else name)
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise GenbenchError(f"{name} is a sparse {type(data).__name__}; pass its .toarray()")
    if _is(data, "torch", "Tensor"):
        return _tensor(data, name)
    if np.ma.isMaskedArray(data):
        if hidden := int(np.ma.getmaskarray(data).sum()):
            raise GenbenchError(f"{name} masks {hidden} of its {data.size} values; fill them, or drop their rows")
        data = data.data
    try:
        found = np.asarray(data)
    except ValueError:
        raise GenbenchError(f"{name} {_uneven(data)}; give each row the same number") from None
    except (TypeError, RuntimeError) as error:
        line = " ".join(str(error).split())
        raise GenbenchError(f"{name} is a {type(data).__name__} that numpy cannot read ({line}); convert it") from None
    return _numbers(found, name)


def exact(data: Any, name: str) -> Array:
    """Return data as float64 with the same values.

    Raises:
        GenbenchError: as for `as_array`.
    """
    found = as_array(data, name)
    x = found.astype(np.float64, copy=False)
    if found.dtype.kind in "iu" and found.dtype.itemsize == 8 and found.size:
        large = found[(found > WHOLE) | (found < -WHOLE)] if found.dtype.kind == "i" else found[found > WHOLE]
        if rounded := [value for value in large.tolist() if int(float(value)) != value]:
            raise GenbenchError(f"{name} holds {rounded[0]}, which float64 rounds; subtract an offset first")
    if found.dtype.kind == "f" and found.dtype.itemsize > 8:
        finite = np.isfinite(found)
        if not np.array_equal(x[finite].astype(found.dtype), found[finite]):
            raise GenbenchError(f"{name} holds {found.dtype}, which float64 rounds; pass its .astype(float)")
    return x


def no_missing(x: Array, name: str, columns: Sequence[str] = ()) -> None:
    """Check that rows of x [n, …] have no NaN or infinite values.

    Raises:
        GenbenchError: some have; the message names the first of them.
    """
    finite = np.isfinite(x)
    if finite.all():
        return
    at = np.argwhere(~finite)
    rows = len(np.unique(at[:, 0]))
    place = f"row {at[0][0]}" + (f", column '{columns[at[0][1]]}'" if len(columns) and x.ndim == 2 else "")
    raise GenbenchError(
        f"{name}: {rows} of {len(x)} rows hold NaN or infinite values, the first in {place}; drop or impute them"
    )


def _is(data: Any, library: str, kind: str) -> bool:
    """Whether data are of a class of a library that may not be imported."""
    module = sys.modules.get(library)
    return module is not None and isinstance(data, getattr(module, kind, ()))


def _numbers(found: NDArray[Any], name: str) -> NDArray[Any]:
    kind = found.dtype.kind
    if kind == "O" and not found.ndim:
        raise GenbenchError(f"{name} is a {type(found[()]).__name__}; pass an array, a data frame or a tensor")
    if kind == "O":
        raise GenbenchError(f"{name} holds {_strange(found)}; convert it to numbers, as .astype(float) does")
    if kind not in NUMBERS:
        words = OTHER.get(kind, f"values of type {found.dtype}; convert them to numbers")
        sample = f" ('{_word(found)}'); encode it as numbers, or drop it" if kind in "US" and found.size else ""
        raise GenbenchError(f"{name} holds {words}{sample}")
    return found


def _word(found: NDArray[Any]) -> str:
    """Return the first text in an array that is no number, or the first one."""
    for value in found.ravel().tolist():
        try:
            float(value)
        except ValueError:
            return str(value)[:20]
    return str(found.ravel()[0])[:20]


def _strange(found: NDArray[Any]) -> str:
    """Return what an array of objects holds that is no number."""
    for place, value in np.ndenumerate(found):
        if not isinstance(value, int | float | np.number):
            where = ", ".join(map(str, place))
            text = (
                f"'{value[:20]}'" if isinstance(value, str) else type(value).__name__ if value is not None else "None"
            )
            return f"objects ({text} at [{where}])"
    return "Python objects"


def _frame(data: Any, name: str) -> Array:
    """Return the columns of a data frame [n, d]."""
    columns = [_column(data.iloc[:, j], f"{name}: column '{title}'") for j, title in enumerate(data.columns)]
    if not columns:
        raise GenbenchError(f"{name} is a data frame without columns; give it some")
    return np.column_stack([exact(values, f"{name}: column '{t}'") for values, t in zip(columns, data, strict=True)])


def _column(data: Any, name: str) -> NDArray[Any]:
    """Return a column of a data frame; what is missing in it is NaN."""
    import pandas as pd

    types = pd.api.types
    if not types.is_numeric_dtype(data.dtype) or types.is_complex_dtype(data.dtype):
        if types.is_datetime64_any_dtype(data.dtype) or isinstance(data.dtype, pd.PeriodDtype):
            raise GenbenchError(f"{name} holds {OTHER['M']}")
        if types.is_complex_dtype(data.dtype):
            raise GenbenchError(f"{name} holds {OTHER['c']}")
        held = next((value for value in data if not isinstance(value, int | float)), None)
        shown = "" if held is None else f" (it holds '{str(held)[:20]}')"
        remedy = "drop it, encode it, or pass it as the labels: (frame without it, column)"
        remedy = "convert it with .astype(float)" if held is None else remedy
        raise GenbenchError(f"{name} is {data.dtype}, not numbers{shown}; {remedy}")
    if data.isna().any() or types.is_extension_array_dtype(data.dtype):
        if types.is_integer_dtype(data.dtype) and not data.isna().any():
            return np.asarray(
                data.to_numpy(dtype=np.uint64 if types.is_unsigned_integer_dtype(data.dtype) else np.int64)
            )
        return np.asarray(data.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(data.to_numpy())


def _tensor(data: Any, name: str) -> NDArray[Any]:
    torch = sys.modules["torch"]
    if data.layout != torch.strided:
        raise GenbenchError(f"{name} is a sparse tensor; pass its .to_dense()")
    if data.is_complex():
        raise GenbenchError(f"{name} holds {OTHER['c']}")
    data = data.detach()
    if data.is_quantized:
        data = data.dequantize()
    if data.is_floating_point() and data.element_size() < 4:
        data = data.float()  # NumPy has no bfloat16
    try:
        return _numbers(np.asarray(data.resolve_neg().cpu().numpy()), name)
    except NotImplementedError:  # on torch's device "meta"
        raise GenbenchError(
            f"{name} is a tensor without values, on the device {data.device}; pass one that has"
        ) from None


def _uneven(data: Any) -> str:
    """Return which row of a list has another length than the first one."""
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in data]
    odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is None:
        return "has rows of different shapes"
    return f"has {lengths[odd]} values in row {odd}, where row 0 has {lengths[0]}"
