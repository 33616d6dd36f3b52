"""Samples and log-densities from other software: only numbers, never code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from genbench.core.errors import GenbenchError, shown
from genbench.core.regular_files import read_regular
from genbench.reading.array_file import npy, npz
from genbench.reading.table_file import read_table

__all__ = ["array_named", "read_arrays"]

LARGEST = 2**32  # bytes, packed and unpacked; by hand: 50,000 colour images of 64 by 64 pixels as float64 fit
TEXT = (".csv", ".tsv", ".txt", ".parquet")
CODE = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")  # reading them may run what is in them


def read_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by name. A .npy file or a table has one, named "".

    Raises:
        GenbenchError: the file is missing, is not a file of numbers, or is too large.
    """
    suffix = file.suffix.lower()
    if suffix in CODE:
        raise GenbenchError(
            f"{file}: {suffix} files may run code when they are read; save the numbers with numpy.savez"
        )
    if suffix not in (".npz", ".npy", *TEXT):
        raise GenbenchError(f"{file}: samples are read from .npz, .npy, {', '.join(TEXT)}; save them as one of these")
    if suffix in TEXT:
        return {"": read_table(str(file)).values}
    try:
        content = read_regular(file, most=LARGEST)
    except OSError as error:
        raise GenbenchError(f"{file}: {error.strerror or error}; give a file of samples") from None
    try:
        if suffix == ".npy":
            return {"": npy(content)}
        _check_size(content)
        return dict(npz(content))
    except GenbenchError as error:
        raise GenbenchError(f"{file}: {error}") from None
    except MemoryError:  # by what a header says of a shape
        raise GenbenchError(f"{file}: its arrays do not fit into memory; save fewer samples") from None


def array_named(
    arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...], others: tuple[str, ...], source: str
) -> NDArray[Any] | None:
    """Return the array with one of some names, or else the only other array.

    Arrays with one of the names in `others` do not count. None if no array is left.

    Raises:
        GenbenchError: there are several such arrays.
    """
    for name in names:
        if name in arrays:
            return arrays[name]
    left = {name: array for name, array in arrays.items() if name not in others}
    if len(left) > 1:
        found = ", ".join(f"{shown(name)} {list(array.shape)}" for name, array in list(left.items())[:5])
        raise GenbenchError(f"{source} holds several arrays ({found}); call the one that is meant '{names[0]}'")
    return next(iter(left.values()), None)


def _check_size(content: bytes) -> None:
    """Refuse an archive that is larger than any file of samples when it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # which `npz` says better
    if size > LARGEST:
        raise GenbenchError(f"its arrays have {size:,} bytes, more than {LARGEST:,}; save fewer samples")
