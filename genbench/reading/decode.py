"""The text of a file: decompressed, decoded, with one kind of line end."""

from __future__ import annotations

import codecs
from pathlib import Path

from genbench.core.errors import GenbenchError

__all__ = ["read_bytes", "text_of"]

BOMS = (  # the longer first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PROBE = 4096  # bytes that tell text from other files; by hand: a page


def read_bytes(file: Path) -> bytes:
    """Return the content of a file, unpacked if it is packed by gzip, bzip2 or xz.

    Raises:
        GenbenchError: the file cannot be read or unpacked.
    """
    import bz2
    import gzip
    import lzma
    import zlib

    try:
        data = file.read_bytes()
    except OSError as error:
        raise GenbenchError(f"{file}: cannot be read ({error.strerror}); give a file that you may read") from None
    packers = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}
    for magic, unpack in packers.items():
        if data.startswith(magic):
            try:
                return unpack(data)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise GenbenchError(f"{file}: cannot be unpacked ({error}); fetch or pack it anew") from None
    return data


def text_of(data: bytes, file: Path) -> tuple[str, str]:
    r"""Return the text with `\n` between lines, and its encoding, which is "" for UTF-8.

    Without a byte order mark, zero bytes at every second place mean UTF-16. Other text that is not UTF-8 has Windows'
    Western encoding, or Latin-1.

    Raises:
        GenbenchError: the bytes are not text.
    """
    encoding = _encoding(data)
    if not encoding:
        raise GenbenchError(
            f"{file}: is not a text file; export the table as text with commas, or as .npy, .npz or .parquet"
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise GenbenchError(
            f"{file}: is {encoding} text that is damaged at byte {error.start}; save it again"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, "" if encoding.startswith("utf-8") else encoding


def _encoding(data: bytes) -> str:
    """Return how bytes are encoded; empty if they are not text."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    probe = data[:PROBE]
    if b"\0" in probe:
        even, odd = probe[::2].count(0), probe[1::2].count(0)
        half = len(probe) // 4  # most letters are ASCII, whose other byte is zero
        return "utf-16-le" if odd > half and not even else "utf-16-be" if even > half and not odd else ""
    if b"\0" in data or sum(byte < 32 and byte not in b"\t\n\r\f\x1a\x1b" for byte in probe) > len(probe) // 50:
        return ""
    for encoding in ("utf-8", "cp1252"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"
