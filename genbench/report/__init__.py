"""Pages to share, made from stored runs: the report of one run, and a site of many.

Each page is one file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.core.files import write_whole
from genbench.core.regular_files import Refused, open_regular

__all__ = ["write_page", "write_report"]

BEGINNING = 2_000  # bytes that are read to find the <meta> that names genbench; chosen by hand


def write_report(run: RunData, file: Path, figures: Sequence[str] | None = (), jobs: int = 0) -> Path:
    """Write the page of a run to a file and return the file; for the arguments see `run_page`.

    Raises:
        GenbenchError: no trial of the run is finished, the run is an invalid submission, or the file cannot be
            written.
    """
    from genbench.report.run_page import run_page
    from genbench.runs.submission import is_submission, repeated_here, runs_around, submitted

    author = submitted(run) if is_submission(run.path) else None
    repeated = repeated_here(run, runs_around(run.path)) if author else None
    return write_page(file, run_page(run, figures, jobs, author=author, repeated=repeated))


def _beginning(file: Path) -> str:
    """Return the beginning of a file, which shows what kind it is; "" if it is not a regular file."""
    try:
        with open_regular(file) as opened:
            return opened.read(BEGINNING).decode(errors="replace")
    except Refused:
        return ""


def write_page(file: Path, page: str) -> Path:
    """Write a page completely or not at all. A file that is not a page of genbench is kept.

    Raises:
        GenbenchError: the file was written by another program, or cannot be written.
    """
    from genbench.report.page import MARK

    try:
        if file.is_dir() or (file.exists() and MARK not in _beginning(file)):
            raise GenbenchError(f"{file} exists and is no page of genbench; choose another place with -o")
        write_whole(file, lambda out: out.write(page.encode()))
    except OSError as error:
        raise GenbenchError(f"cannot write {file}: {error.strerror or error}; choose another place with -o") from None
    return file
