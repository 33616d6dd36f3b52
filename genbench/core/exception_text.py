"""The text of an exception, safe for files and terminals: message, traceback, place."""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path

from genbench.core.user_files import is_of_user

__all__ = ["message_of", "place_in", "place_of", "plain", "traceback_of"]

# Letters, chosen by hand: a message is a few lines of a terminal, a traceback some hundred lines of a file. Signs that
# are written otherwise may make it four times as long, which a record still takes.
MESSAGE = 500
TRACEBACK = 16_000
# Control signs, with which a text could move the cursor or set colours: also those of eight bits. The first alternative
# is a whole sequence of ECMA-48.
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
FRAME = re.compile(r'^ *File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)  # in every traceback of Python


def plain(text: str, limit: int = MESSAGE) -> str:
    """Return a text without control characters and unpaired surrogates.

    A long text is cut, with a note of its length.
    """
    text = str.__str__(text)  # of a subclass that has ideas of its own, too
    length = len(text)
    # twice: a cut text stays short although signs are left out and written otherwise
    clean = CONTROL.sub("", text[: 2 * limit]).encode("utf-8", "backslashreplace").decode()
    if length <= limit and len(clean) <= 2 * limit:
        return clean
    return f"{clean[:limit]} … ({length:,} letters)"


def message_of(error: BaseException) -> str:
    """Return the first line of an exception's message, or its type if there is none."""
    try:
        text = str(error)
    except BaseException as failure:  # a plugin may raise anything
        text = f"its text is unavailable: __str__ raised {type(failure).__name__}"
    line = next((line for line in map(str.strip, text[:100_000].splitlines()) if line), "")
    if text.strip() != line and len(line) > MESSAGE:
        line = text  # for its length
    return plain(line).strip() or plain(type(error).__name__)


def traceback_of(error: BaseException) -> str:
    """Return an exception's traceback with its causes.

    It is whole up to `TRACEBACK` characters; of a longer one, the middle is left out.
    """
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException as failure:  # a plugin's exception may refuse anything
        text = "".join(traceback.format_tb(error.__traceback__)) + f"(no more: {type(failure).__name__})\n"
    if len(text) > TRACEBACK:
        half, left_out = TRACEBACK // 2, len(text) - TRACEBACK
        text = f"{text[:half]}\n… {left_out:,} letters are left out …\n{text[-half:]}"
    return plain(text, 2 * TRACEBACK)


def place_of(error: BaseException, own: Collection[str] = ()) -> str:
    """Return the user's file and line that raised an exception, as "my_model.py:31".

    It is "" if no line of the user was involved.

    Args:
        own: further files that count as the user's.
    """
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if found := [(file, line) for file, line in _frames(cause) if _counts(file, own)]:
            return _written(*found[-1])
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return ""


def place_in(text: str, own: Collection[str] = ()) -> str:
    """Return the first line of the user's code in a traceback of `faulthandler`.

    Such a traceback begins with the most recent call.
    """
    for found in FRAME.finditer(text):
        if _counts(found["file"], own):
            return _written(found["file"], int(found["line"]))
    return ""


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield frame.f_code.co_filename, line


def _counts(file: str, own: Collection[str]) -> bool:
    return file in own or (not file.startswith("<") and is_of_user(Path(file)))


def _written(file: str, line: int) -> str:
    return f"{plain(Path(file).name, 100)}:{line}"
