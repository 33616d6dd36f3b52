"""The cells of a table in any kind of file: text, NumPy's .npy and .npz, Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.core.errors import GenbenchError
from genbench.core.files import expanded
from genbench.reading.array_file import Named, columns_of, npy, npz
from genbench.reading.cells import POINT
from genbench.reading.decode import read_bytes, text_of
from genbench.reading.text_table import TextTable, read_text_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RawTable", "raw_table", "table_path"]

KINDS = ".csv, .tsv, .txt, .npy, .npz or .parquet"


@dataclass(frozen=True)
class RawTable:
    """Cells in the form in which they were found, with their places.

    Attributes:
        cells: the columns; a column is text if not all of its cells are plain numbers.
        headings: names of the columns; "" for a column without one.
        decisions: what was found out about the file.
        text: the table of a text file, if it is one.
    """

    cells: pd.DataFrame
    headings: tuple[str, ...]
    decisions: tuple[str, ...] = ()
    text: TextTable | None = None

    @property
    def decimal(self) -> str:
        """The decimal sign of cells that are text."""
        return self.text.decimal if self.text else POINT

    def where(self, row: int) -> str:
        """Return the place of a row: the line of a text file, from 1, or else the row."""
        return f"line {self.text.line(row)}" if self.text else f"row {row + 1}"

    def cell(self, row: int, column: int) -> str:
        """Return a cell as it was written, in one line."""
        written = self.text.text(row, column) if self.text else str(self.cells.iloc[row, column])
        return " ".join(written.split())


def table_path(path: str) -> Path:
    """Return the path of a file, with ~ for the home folder.

    Raises:
        GenbenchError: there is no such file.
    """
    file = expanded(path)
    try:
        if file.is_dir():
            raise GenbenchError(f"'{path}' is a folder; give a {KINDS} file in it")
        if file.is_file():
            return file
    except (OSError, ValueError) as error:  # a folder that may not be entered; a path with a zero byte
        raise GenbenchError(f"'{path}' cannot be read ({error}); give the path of a file") from None
    raise GenbenchError(f"no file '{path}'; give the path of a {KINDS} file")


def raw_table(file: Path, header: bool | None = None, decimal: str | None = None) -> RawTable:
    """Return the cells of a file. Its first bytes show the kind of file, not its name.

    Args:
        header: whether the first row of a text has headings; found out unless given.
        decimal: the decimal sign of a text; found out unless given.

    Raises:
        GenbenchError: the file cannot be read, or is not a table.
    """
    data = read_bytes(file)
    if data.startswith(b"\x93NUMPY"):
        return _of_arrays({"": npy(data)})
    if data.startswith(b"PK\x03\x04"):
        return _of_arrays(npz(data))
    if data.startswith(b"PAR1"):
        return _parquet(data)
    if file.suffix.lower() in (".npy", ".npz", ".parquet"):
        kind = file.suffix.lower()
        raise GenbenchError(
            f"not a numeric {kind} file (it begins otherwise); save it anew, or name it .csv if it is text"
        )
    text, encoding = text_of(data, file)
    table = read_text_table(text, header, decimal)
    decisions = (*table.decisions, *([f"encoded as {encoding}"] if encoding else []))
    return RawTable(table.cells, table.headings, decisions, table)


def _of_arrays(arrays: Named) -> RawTable:
    import pandas as pd

    found = columns_of(arrays)
    cells = pd.DataFrame({j: column for j, (_, column) in enumerate(found)})
    said = (f"arrays {', '.join(arrays)}",) if len(arrays) > 1 else ()
    return RawTable(cells, tuple(name for name, _ in found), said)


def _parquet(data: bytes) -> RawTable:
    import pandas as pd

    try:
        cells = pd.read_parquet(BytesIO(data))
    except ImportError:
        raise GenbenchError("is a Parquet file, which pyarrow reads; run pip install pyarrow") from None
    except (ValueError, OSError) as error:  # pyarrow's errors are of these kinds
        raise GenbenchError(f"cannot be read as Parquet ({' '.join(str(error).split())}); write it anew") from None
    return RawTable(cells, tuple(map(str, cells.columns)))
