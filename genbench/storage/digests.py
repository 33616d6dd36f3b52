"""Digests in a trial's record, of itself and of its files, to detect changes.

The last field of a record, `digest`, is the SHA-256 of all text before it, so that a whole file is checked without
being parsed. If it is wrong, only the content counts: `digests.content` is the SHA-256 of the same facts with sorted
keys and no spaces, so that a change of the layout by an editor is accepted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from genbench.core.regular_files import open_regular
from genbench.core.strict_json import strict_json

__all__ = ["Changed", "FileDigest", "Seal", "digest_of", "seal_of", "sealed"]

SEAL = re.compile(rb',\n "digest": "([0-9a-f]{64})"\n\}\n\Z')
LENGTH = 84  # bytes of what SEAL matches
CHUNK = 2**20  # bytes that are read at once
EXACT = 2**53  # below which a whole number is the same as a float


class Changed(Exception):
    """Facts or files have changed. The text is a clause whose subject is the file."""


@dataclass(frozen=True)
class FileDigest:
    """The digest of a file beside a record: its SHA-256, and its size in bytes."""

    sha256: str
    bytes: int

    def check(self, file: Path, folder: Path) -> None:
        """Check a file inside a folder. The size is checked first, before a large file is read.

        Raises:
            Changed: the file has changed.
            OSError: the file cannot be read.
        """
        with open_regular(file, folder) as opened:
            size = os.fstat(opened.fileno()).st_size
            if size != self.bytes:
                raise Changed(f"is not the file that was written: it has {size:,} bytes, not {self.bytes:,}")
            if _sha256(opened) != self.sha256:
                raise Changed("is not the file that was written: its SHA-256 differs")


@dataclass(frozen=True)
class Seal:
    """The digests of the files beside an unchanged record, by the endings of their names."""

    files: Mapping[str, FileDigest]

    def check(self, file: Path, folder: Path) -> None:
        """Check a file beside the record, inside a folder, by the digest in the record.

        Raises:
            Changed: the file has changed, or the trial wrote none.
            OSError: the file cannot be read.
        """
        if file.suffix not in self.files:
            raise Changed("is not of its trial, which wrote no such file")
        self.files[file.suffix].check(file, folder)


def digest_of(file: Path) -> FileDigest:
    """Return the digest of a file that was just written."""
    with file.open("rb") as opened:
        return FileDigest(_sha256(opened), os.fstat(opened.fileno()).st_size)


def sealed(facts: Mapping[str, Any], files: Mapping[str, FileDigest]) -> bytes:
    """Return the text of a record with its digests.

    Args:
        facts: the content of the record, as plain data.
        files: digests of the files beside it, by the endings of their names.
    """
    beside = {ending: asdict(digest) for ending, digest in files.items()}
    content = _content(json.loads(strict_json(dict(facts) | {"digests": beside})))
    text = strict_json(dict(facts) | {"digests": beside | {"content": content}}).encode()
    body = text.removesuffix(b"\n}")
    return b'%b,\n "digest": "%b"\n}\n' % (body, hashlib.sha256(body).hexdigest().encode())


def seal_of(text: bytes, facts: Mapping[str, Any]) -> Seal | None:
    """Check the text of a record, and return its seal.

    It is None for a record without digests, such as an old one.

    Args:
        text: the text of the file.
        facts: the parsed content.

    Raises:
        Changed: the record has changed.
    """
    digests = facts.get("digests")
    if digests is None and facts.get("digest") is None:
        return None
    if not isinstance(digests, dict):
        raise Changed("its digests are gone")
    seal = SEAL.search(text, max(0, len(text) - LENGTH))
    whole = seal is not None and hashlib.sha256(memoryview(text)[: seal.start()]).hexdigest().encode() == seal[1]
    if not whole:
        known = {ending: digest for ending, digest in digests.items() if ending != "content"}
        rest = {name: fact for name, fact in facts.items() if name != "digest"} | {"digests": known}
        if _content(rest) != digests.get("content"):
            raise Changed("its numbers are not those that were written")
    try:
        return Seal({end: _file_digest(**digest) for end, digest in digests.items() if end != "content"})
    except TypeError:
        raise Changed("its digests of files are none") from None


def _file_digest(sha256: Any, bytes: Any) -> FileDigest:
    if not isinstance(sha256, str) or not isinstance(bytes, int):
        raise TypeError
    return FileDigest(sha256, bytes)


def _sha256(opened: BinaryIO) -> str:
    whole = hashlib.sha256()
    while part := opened.read(CHUNK):
        whole.update(part)
    return whole.hexdigest()


def _content(facts: Any) -> str:
    """Return the digest of parsed JSON, whatever the order of its keys and its layout were."""
    text = json.dumps(_plain(facts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(part: Any) -> Any:
    """Return data in which 1.0 is 1, as some programs write it."""
    if isinstance(part, dict):
        return {name: _plain(inner) for name, inner in part.items()}
    if isinstance(part, list):
        return [_plain(inner) for inner in part]
    return int(part) if isinstance(part, float) and part.is_integer() and abs(part) < EXACT else part
