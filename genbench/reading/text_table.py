"""Text with rows and columns as a table of cells: headings, separator, decimal sign."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from genbench.core.errors import GenbenchError
from genbench.reading.cells import COMMA, POINT, decimal_sign, is_missing, kind_of
from genbench.reading.dialect import SPACE, Dialect, find_dialect, records
from genbench.reading.headings import has_headings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TextTable", "read_text_table"]

_BLANK = re.compile(r"^[^\S\n\t]+$", re.MULTILINE)
_COMMENT = re.compile(r"^[^\S\n]*#(.*)$", re.MULTILINE)
FEW = 4  # headings that are shown; by hand: a line


@dataclass(frozen=True)
class TextTable:
    """The cells of a text table; a column is numbers if all its cells are plain numbers.

    Attributes:
        cells: the columns, numbered from 0.
        headings: names of the columns; "" for a column without one.
        decimal: the decimal sign.
        decisions: what was decided about headings, separator and decimal sign.
        body: the text, in which everything except the rows is blank.
        separator: the separator of cells.
        rows: the indices of the records of `body` that are rows of `cells`.
    """

    cells: pd.DataFrame
    headings: tuple[str, ...]
    decimal: str
    decisions: tuple[str, ...]
    body: str
    separator: str
    rows: tuple[int, ...] | None = None

    def line(self, row: int) -> int:
        """Return the number of a row's first line in the text, from 1."""
        record = row if self.rows is None else self.rows[row]
        return next(islice(records(self.body, self.separator), record, None))[0]

    def text(self, row: int, column: int) -> str:
        """Return a cell as it was written."""
        record = row if self.rows is None else self.rows[row]
        return next(islice(records(self.body, self.separator), record, None))[1][column]


def read_text_table(text: str, header: bool | None = None, decimal: str | None = None) -> TextTable:
    r"""Read a table from text, and find out its format.

    Lines that begin with # are comments. The last comment above the rows has the headings, if it has one for each
    column and no row has headings. A last column without heading and values, as separators at the ends of lines make
    it, is left out, and so are rows without a value.

    Args:
        text: the text, with `\n` between lines.
        header: whether the first row has headings; found out unless given.
        decimal: "," or "."; found out unless given.

    Raises:
        GenbenchError: there are no rows, rows have different lengths, or headings are too few or too many.
    """
    comments = _comments(text) if "#" in text else {}
    text = _BLANK.sub("", _COMMENT.sub("", text) if comments else text)
    dialect, text = find_dialect(text, decimal)
    if not dialect.sample:
        raise GenbenchError("is empty; give a table with at least 10 rows")
    lines = dict(dialect.sample)
    (first_line, first), *rest = dialect.sample
    seen = [cells for _, cells in rest]
    if seen and len(seen[0]) == len(first) + 1 and _counted([row[0] for row in seen]):
        first = ("", *first)  # the column that numbers the rows has no heading
    found, open_question = has_headings(first, seen) if header is None else (header, False)
    if not (rest if found else lines):
        raise GenbenchError("holds headings and no rows of numbers; give a table with at least 10 rows")
    begin = rest[0][0] if found else first_line
    width = len(lines[begin])
    if found:
        names = _fitting(first, first_line, width, begin, seen)
    else:
        names = _commented([text for line, text in comments.items() if line < begin], dialect, width)
    body = "\n" * (begin - 1) + text[_offset(text, begin) :]
    if width == 1:
        _check_blank_lines(body, begin, comments)
    cells, decimal, doubt = _cells(body, dialect, width, decimal)
    said = [_about_headings(found, open_question, names, first)]
    said += [f"separated by {dialect.name}"] if width > 1 else []
    said += _about_decimals(cells, decimal, doubt)
    return _without_empty(TextTable(cells, tuple(names), decimal, tuple(said), body, dialect.separator))


def _comments(text: str) -> dict[int, str]:
    """Return the text of each line that begins with #, by its number."""
    found = ((line, _COMMENT.fullmatch(written)) for line, written in enumerate(text.split("\n"), start=1))
    return {line: comment[1] for line, comment in found if comment}


def _offset(text: str, line: int) -> int:
    """Return where a line begins, counted from 1."""
    at = 0
    for _ in range(line - 1):
        at = text.index("\n", at) + 1
    return at


def _commented(comments: list[str], dialect: Dialect, width: int) -> list[str]:
    """Return the headings of the last comment, as NumPy writes them; empty ones if it has none."""
    for comment in reversed(comments):
        cells = next((cells for _, cells in records(comment.strip(), dialect.separator)), [])
        if len(cells) == width and all(kind_of(cell) == "word" for cell in cells):
            return [_name(cell) for cell in cells]
    return [""] * width


def _counted(cells: Sequence[str]) -> bool:
    """Return whether cells are 0, 1, 2 and so on, or 1, 2, 3."""
    return len(cells) > 1 and any(list(cells) == [str(i + start) for i in range(len(cells))] for start in (0, 1))


def _name(heading: str) -> str:
    return " ".join(heading.split())


def _fitting(first: Sequence[str], line: int, width: int, begin: int, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a heading for each of `width` columns.

    One too few is no error where the last column is empty, or where the first one has words, the names of rows as R
    writes them. One too many is none where it is empty.
    """
    names = [_name(name) for name in first]
    if len(names) == width + 1 and not names[-1]:
        return names[:-1]
    if len(names) == width - 1:
        column = [row[0] for row in rows if row]
        if all(not row[width - 1].strip() for row in rows if len(row) == width):
            return [*names, ""]
        if all(kind_of(cell) == "word" for cell in column):
            return ["", *names]
    if len(names) != width:
        counts = f"{width} cells, {len(names)} heading{'s' * (len(names) != 1)}"
        raise GenbenchError(f"line {begin}: {counts} in line {line} ({_few(names)}); give each column one heading")
    return names


def _cells(body: str, dialect: Dialect, width: int, decimal: str | None) -> tuple[pd.DataFrame, str, str]:
    """Return the cells, the decimal sign, and a cell that could be read with another one."""
    import pandas as pd

    sign, doubt = decimal_sign(zip(*[cells for _, cells in dialect.sample[1:]], strict=False), dialect.separator)
    if (decimal or sign) == POINT:
        plain = _parsed(body, dialect, width, POINT)
        if all(_numeric(plain[j]) for j in plain):
            return plain, POINT, "" if decimal else doubt
    cells = _parsed(body, dialect, width)
    if decimal is None:
        sign, doubt = decimal_sign((cells[j].tolist() for j in cells), dialect.separator)
    else:
        sign, doubt = decimal, ""
    read = _parsed(body, dialect, width, sign)
    return pd.DataFrame({j: read[j] if _numeric(read[j]) else cells[j] for j in cells}), sign, doubt


def _numeric(column: pd.Series[Any]) -> bool:
    """Return whether pandas has read all of a column as numbers."""
    return column.dtype.kind in "iufb" and not column.isna().any()


def _parsed(body: str, dialect: Dialect, width: int, decimal: str | None = None) -> pd.DataFrame:
    """Return the cells of a text without headings, as pandas reads them; as text without a decimal sign.

    Raises:
        GenbenchError: rows have different lengths.
    """
    import pandas as pd

    rounded = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)  # later versions read to the nearest float64
    options: dict[str, Any] = {"float_precision": "round_trip"} if rounded else {}
    options |= {"decimal": decimal, "na_values": [""]} if decimal else {"dtype": str, "na_filter": False}
    separator = r"\s+" if dialect.separator == SPACE else dialect.separator
    try:
        cells = pd.read_csv(
            StringIO(body), sep=separator, header=None, keep_default_na=False, skipinitialspace=True, low_memory=False,
            **options,
        )  # fmt: skip
    except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        last = _check_lengths(body, dialect.separator, width)
        if "inside string" in str(error):
            raise GenbenchError(f"line {last}: a quote is opened and not closed; close it, or remove it") from None
        raise GenbenchError(f"cannot be read as a table ({' '.join(str(error).split())}); fix the file") from None
    if decimal is None and any((cells[j] == "").any() for j in cells):  # as pandas fills short rows up
        _check_lengths(body, dialect.separator, width)
    return cells


def _check_lengths(body: str, separator: str, width: int) -> int:
    """Return the line of the last row.

    Raises:
        GenbenchError: a row has another number of cells than the first one.
    """
    first = line = 0
    for line, cells in records(body, separator):
        first = first or line
        if len(cells) != width:
            raise GenbenchError(f"line {line}: {len(cells)} cells, where line {first} has {width}; make them equal")
    return line


def _check_blank_lines(body: str, begin: int, comments: Collection[int]) -> None:
    """Raise a GenbenchError if there is a blank line between the rows of one column: a value is missing there."""
    lines = enumerate(body.rstrip("\n").split("\n"), start=1)
    blank = [line for line, cell in lines if line > begin and not cell and line not in comments]
    if blank:
        raise GenbenchError(f"line {blank[0]}: blank, one of {len(blank)} such rows; impute or remove them")


def _without_empty(table: TextTable) -> TextTable:
    """Return a table without rows that have no value, and without a last column that has no heading and no value."""
    cells, said, rows = table.cells, list(table.decisions), None
    last = cells.shape[1] - 1
    if last and not any(_numeric(cells[j]) for j in cells):  # a number makes a row one of values
        left = cells.index[cells[0].map(is_missing)]
        empty = [i for i in left if all(is_missing(cell) for cell in cells.loc[i])]
        if 0 < len(empty) < len(cells):
            cells = cells.drop(index=empty)
            rows, cells = tuple(map(int, cells.index)), cells.reset_index(drop=True)
            said.append(f"{len(empty)} rows without any value left out")
    if last and not table.headings[last] and not _numeric(cells[last]) and not (cells[last] != "").any():
        cells = cells.drop(columns=last)
        said.append("an empty last column left out")
    headings = table.headings[: cells.shape[1]]
    return TextTable(cells, headings, table.decimal, tuple(said), table.body, table.separator, rows)


def _about_headings(found: bool, open_question: bool, names: list[str], first: tuple[str, ...]) -> str:
    if found:
        doubt = "; header=false reads it as data" if open_question else ""
        return f"headings {_few(names)}{doubt and f' in the first row{doubt}'}"
    if any(names):
        return f"headings {_few(names)} from a comment"
    doubt = f" (the first row, {_few(list(first))}, is data; header=true reads it as headings)" if open_question else ""
    return f"no headings{doubt}"


def _about_decimals(cells: pd.DataFrame, decimal: str, doubt: str) -> list[str]:
    if doubt and decimal == COMMA:
        return [f"decimal comma ({doubt} has one; decimal=point reads thousands)"]
    if doubt:
        thousands = COMMA in doubt
        return [
            f"{doubt} read as {'thousands' if thousands else 'a decimal number'} (decimal=comma reads it otherwise)"
        ]
    return ["decimal comma"] if decimal == COMMA else []


def _few(names: list[str]) -> str:
    present = [name for name in names if name]
    shown = ", ".join(f"'{name}'" for name in present[:FEW])
    return shown if len(present) <= FEW else f"{shown}, … ({len(present)})"
