"""The columns of NumPy's .npy and .npz files."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Named", "columns_of", "npy", "npz"]

Named = dict[str, np.ndarray[Any, Any]]


def npy(data: bytes) -> np.ndarray[Any, Any]:
    """Return the array of a .npy file.

    Raises:
        GenbenchError: the file is damaged or holds objects.
    """
    try:
        found: np.ndarray[Any, Any] = np.load(BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise GenbenchError(f"not a numeric .npy file ({_line(error)}); save one with numpy.save") from None
    return found


def npz(data: bytes) -> Named:
    """Return the arrays of a .npz file by name.

    Raises:
        GenbenchError: the file is damaged, holds objects, or is another kind of zip file.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if not all(name.endswith(".npy") for name in archive.namelist()):
                raise GenbenchError("is a zip file or a workbook; save the table as .csv")
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise GenbenchError(f"not a numeric .npz file ({_line(error)}); save one with numpy.savez") from None
    if not found:
        raise GenbenchError("holds no arrays; save some with numpy.savez")
    return found


def columns_of(arrays: Named) -> list[tuple[str, pd.Series[Any]]]:
    """Return the columns of some arrays, with their names; columns of a matrix have none.

    A matrix is [n, d]. Besides it there may be arrays [n], which are columns with their own names, like the fields of
    records.

    Raises:
        GenbenchError: an array has another shape or type, there are two matrices, or lengths differ.
    """
    import pandas as pd

    found: list[tuple[str, pd.Series[Any]]] = []
    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    if len(matrices) > 1:
        raise GenbenchError(f"holds more than one table ({', '.join(map(_shown, arrays.items()))}); save one of them")
    for name, array in arrays.items():
        if array.dtype.names and array.ndim == 1:
            found += [(field, pd.Series(_number_type(array[field], field))) for field in array.dtype.names]
        elif not array.size or array.ndim not in (1, 2) or (array.ndim == 1 and len(arrays) == 1):
            raise GenbenchError(f"holds an array of shape {array.shape}; a table is [rows, columns]")
        elif array.ndim == 1:
            found.append((name, pd.Series(_number_type(array, name, words=True))))
        else:
            found += [("", pd.Series(column)) for column in _number_type(array, name).T]
    if len({len(column) for _, column in found}) > 1:
        raise GenbenchError(
            f"holds arrays of different lengths ({', '.join(map(_shown, arrays.items()))}); save equal ones"
        )
    return found


def _number_type(array: np.ndarray[Any, Any], name: str, words: bool = False) -> np.ndarray[Any, Any]:
    """Return an array of numbers, or times, or words if that is allowed; as float64 if it is of other floats."""
    if array.dtype.kind not in ("biufmMU" if words else "biufmM"):
        which = f"'{name}' " if name else ""
        raise GenbenchError(f"{which}holds values of type {array.dtype}; convert them to numbers")
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _shown(item: tuple[str, np.ndarray[Any, Any]]) -> str:
    return f"{item[0]} {list(item[1].shape)}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
