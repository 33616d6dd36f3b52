"""Reading of a trial's arrays: headers first, so that only expected sizes are allocated.

A file of `numpy.savez` is an archive whose members are not compressed, so that none is larger than the file.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
from typing import Any, BinaryIO

import numpy as np

from genbench.core.types import Array

__all__ = ["MOST", "read_arrays"]

# By hand: 1 GB as float64, which is 50,000 samples of 2,684 numbers.
MOST = 2**27  # numbers in all arrays of a trial
MEMBERS = 64  # arrays; the tasks have ten at most
DIRECTORY = 2**14  # bytes of the list of members at the end of the archive
END = struct.Struct("<4s4H2LH")  # the end of an archive, as its format has it; ours have no comment after it
LOCATOR = 20  # bytes before that end, which say where a longer one is in archives of more than 4 GB
CHUNK = 2**18  # numbers that are converted at once
KINDS = "fiub"  # of numpy's types: numbers and booleans


def read_arrays(file: BinaryIO, samples: int) -> dict[str, Array]:
    """Return the arrays of an archive by name, as float64.

    Args:
        samples: largest number of samples of the trial.

    Raises:
        ValueError: the file is not an archive of arrays, or an array is too large.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(members) > MEMBERS or len(set(names)) < len(names):
                raise ValueError("it has too many arrays, or two of one name")
            headers = [_header(archive, member) for member in members]
            for name, (shape, _, _) in zip(names, headers, strict=True):
                if name == "samples" and (not shape or shape[0] > samples):
                    raise ValueError(f"it has {shape[0] if shape else 'no'} samples, and its trial drew {samples:,}")
            if (numbers := sum(math.prod(shape) for shape, _, _ in headers)) > MOST:
                raise ValueError(f"its arrays have {numbers:,} numbers, more than {MOST:,}")
            return {
                name: _array(archive, member, *header)
                for name, member, header in zip(names, members, headers, strict=True)
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error) as error:
        raise ValueError(" ".join(str(error).split()) or "it is no archive of arrays") from None


def _check_directory(file: BinaryIO) -> None:
    """Refuse an archive whose list of members is long, before it is read."""
    size = file.seek(0, os.SEEK_END)
    if size < END.size:
        raise ValueError("it is no archive of arrays")
    file.seek(max(0, size - END.size - LOCATOR))
    tail = file.read()
    signature, *_, length, begin, _comment = END.unpack(tail[-END.size :])
    if signature != b"PK\5\6" or length > DIRECTORY or begin > size or tail.startswith(b"PK\6\7"):
        raise ValueError("it is no archive of arrays as genbench writes them")
    file.seek(0)


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape, whether it is in Fortran's order, and the type of an array."""
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or not member.filename.endswith(".npy"):
        raise ValueError(f"{ascii(member.filename)[:80]} is compressed, encrypted or no array")
    if member.file_size != member.compress_size:
        raise ValueError(f"{ascii(member.filename)[:80]} is not as long as it is said to be")
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):  # the header of others may be as long as the file
            raise ValueError(f"it has an array of another format, {version}")
        try:
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        except Exception as error:  # of the parser of Python, to which numpy hands it
            raise ValueError(f"the header of {ascii(member.filename)[:80]} cannot be read") from error
        if dtype.kind not in KINDS or dtype.itemsize > 8 or len(shape) > 8 or any(n < 0 for n in shape):
            raise ValueError(f"{ascii(member.filename)[:80]} holds no numbers")
        if stream.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
            raise ValueError(f"{ascii(member.filename)[:80]} is not as long as its shape says")
    return shape, fortran, dtype


def _array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]
) -> Array:
    """Return an array as float64, converted piece by piece; at its end the archive's checksum is compared."""
    flat = np.empty(math.prod(shape), dtype=np.float64)
    with archive.open(member) as stream:
        stream.read(member.file_size - flat.size * dtype.itemsize)
        for at in range(0, flat.size, CHUNK):
            part = stream.read(min(CHUNK, flat.size - at) * dtype.itemsize)
            flat[at : at + CHUNK] = np.frombuffer(part, dtype=dtype)
        if stream.read(1):
            raise ValueError(f"{ascii(member.filename)[:80]} is longer than its shape says")
    return flat.reshape(shape, order="F" if fortran else "C")
