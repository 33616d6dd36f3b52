"""Records read from JSON files from anybody.

Each is valid for its schema, or an error names the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from genbench.core.errors import GenbenchError, shown
from genbench.core.regular_files import read_regular
from genbench.storage.limits import oversized
from genbench.storage.records import SCHEMA

__all__ = ["CorruptFile", "NewerSchema", "as_record", "content_of", "facts_of", "parsed"]

SMALL = 2**16  # bytes of JSON that can hold nothing too large

R = TypeVar("R", bound=BaseModel)


class CorruptFile(GenbenchError):
    """A file of the store that cannot be read."""


class NewerSchema(GenbenchError):
    """A file that was written by a newer genbench."""


def content_of(file: Path, folder: Path, most: int) -> bytes:
    """Return the content of a regular file inside a folder, of at most `most` bytes.

    Raises:
        CorruptFile: the file is missing, not regular, outside of the folder, or too large.
    """
    try:
        return read_regular(file, folder, most)
    except FileNotFoundError:
        raise CorruptFile(f"{file} is not there") from None
    except OSError as error:
        raise CorruptFile(f"{file} {error.strerror or error}") from None


def parsed(file: Path, content: bytes, schema: type[R]) -> R:
    """Return a record from the text of a file.

    Raises:
        CorruptFile, NewerSchema: as for `facts_of` and `as_record`.
    """
    return as_record(file, facts_of(file, content), schema)


def facts_of(file: Path, content: bytes) -> dict[str, Any]:
    """Return the parsed content of a file.

    Raises:
        CorruptFile: it is not JSON, or has parts that are too large.
        NewerSchema: the file was written by a newer genbench.
    """
    try:
        found = from_json(content, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise CorruptFile(f"{file} is corrupt: it is not whole JSON") from None
    version = found.get("schema") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise NewerSchema(f"{file} was written by a newer genbench (schema {shown(str(version))}); upgrade genbench")
    if len(content) > SMALL and oversized(found):
        raise CorruptFile(f"{file} is corrupt: it has a text or a list of names that is too long")
    if not isinstance(found, dict):
        raise CorruptFile(f"{file} is corrupt: it is not what it should be")
    return found


def as_record(file: Path, facts: Mapping[str, Any], schema: type[R]) -> R:
    """Return the content of a file as a record.

    Raises:
        CorruptFile: the content is not valid for this schema.
    """
    try:
        return schema.model_validate(facts)
    except (ValidationError, RecursionError, TypeError, AttributeError, KeyError) as error:  # of readers of older forms
        at = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        reason = f"field {shown('.'.join(map(str, at)))} is wrong" if at else "it is not what it should be"
        raise CorruptFile(f"{file} is corrupt: {reason}") from None
