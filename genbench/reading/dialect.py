"""The format of a text table: the separator of its cells."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from genbench.core.errors import GenbenchError
from genbench.reading.cells import kind_of

__all__ = ["SPACE", "Dialect", "find_dialect", "records"]

SPACE = " "  # any run of spaces and tabs
SEPARATORS = (",", ";", "\t", "|", SPACE)
MARKS = SEPARATORS[:-1]
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", SPACE: "spaces"}
SAMPLE = 500  # records that the separator and the headings are judged by; by hand: a tenth of a second

_HALF = re.compile(r"[+-]0|0\d+(e[+-]?\d+)?", re.IGNORECASE)
_HINT = re.compile(r"\s*sep=(.)\s*\n", re.IGNORECASE)  # the first line of some files that are meant for Excel


@dataclass(frozen=True)
class Dialect:
    """The format of a text table.

    Attributes:
        separator: one character; SPACE means any number of spaces and tabs.
        sample: the first records, each with the number of its first line, from 1.
        whole: whether the sample is the whole table.
    """

    separator: str
    sample: tuple[tuple[int, tuple[str, ...]], ...]
    whole: bool

    @property
    def name(self) -> str:
        """The separator as text."""
        return NAMES.get(self.separator, f"'{self.separator}'")


def find_dialect(text: str, decimal: str | None = None) -> tuple[Dialect, str]:
    """Return the dialect of a text, and the text with a line `sep=;` blanked.

    Each separator is tried on the first records. The best one gives most records the same number of cells, and most
    cells are numbers, dates, truth values or empty. Among equal ones, the first record should have that number of
    cells, too; then the one with most cells is used. If the decimal sign is given as a comma, a comma outside of quotes
    is not a separator.

    Raises:
        GenbenchError: a cell is too long, because a quote is not closed.
    """
    if hint := _HINT.match(text):
        text = "\n" + text[hint.end() :]
        return _tried(text, hint[1]), text
    comma_parts = decimal != "," or '"' in _beginning(text)
    tried = [_tried(text, separator) for separator in SEPARATORS if separator != "," or comma_parts]
    return max(tried, key=_fitness), text  # the first of equal ones


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank: the number of its first line, and its cells.

    Lines are counted from 1.

    Raises:
        GenbenchError: a cell is too long, because a quote is not closed.
    """
    lines = text.split("\n")
    if separator == SPACE:
        lines = [" ".join(line.split()) for line in lines]
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, skipinitialspace=True)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error:
        raise GenbenchError(f"line {begin}: a quote is opened and not closed; close it, or remove it") from None


def _tried(text: str, separator: str) -> Dialect:
    try:
        found = list(islice(records(_beginning(text), separator), SAMPLE + 1))
    except GenbenchError:
        found = []
    whole = len(found) <= SAMPLE and len(_beginning(text)) == len(text)
    if not whole:
        found = found[:-1] if len(found) > 1 else found  # the last one may be cut
    return Dialect(separator, tuple((line, tuple(cells)) for line, cells in found), whole)


def _beginning(text: str) -> str:
    """Return enough of a text for the sample: a thousand letters a record, by hand, and at least the first lines."""
    end = -1
    for _ in range(4):
        end = text.find("\n", end + 1)
        if end < 0:
            return text
    return text[: max(SAMPLE * 1000, end + 1)]


def _fitness(dialect: Dialect) -> tuple[float, bool, float, int]:
    rows = [cells for _, cells in dialect.sample]
    data = rows[1:] or rows
    if not data:
        return 0.0, False, 0.0, 0
    counts = Counter(map(len, data))
    width, same = max(counts.items(), key=lambda item: (item[1], item[0]))
    kinds = [kind_of(cell) for row in data if len(row) == width for cell in row]
    known = sum(kind != "word" for kind in kinds) / len(kinds)
    alike = same / len(data)
    first = [cell.strip() for cell in rows[0]]
    fits = len(first) == width or (len(first) == width + 1 and not first[-1])
    several = any(mark in row[0] for row in data for mark in MARKS) and any(mark in first[0] for mark in MARKS)
    if width == 1 and (not fits or (several and kind_of(first[0]) == "word")):
        known /= 2  # a heading with separators is the headings of several columns
    if dialect.separator == "," and any(_HALF.fullmatch(cell.strip()) for row in data for cell in row):
        known /= 2  # the halves of numbers with a decimal comma
    return round(alike * known, 3), fits, alike, width
