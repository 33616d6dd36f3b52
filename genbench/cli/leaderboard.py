"""`genbench leaderboard`: the table of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.options import MarginText, RunFolder, say
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.analysis.leaderboard import Leaderboard
    from genbench.analysis.run_data import RunData

__all__ = ["leaderboard"]


Format = Literal["table", "csv", "md", "tex", "json", "tidy", "parquet"]


def leaderboard(
    run: RunFolder,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Sort by this metric. Default: the first that all models have.")
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            help="How to write it: a table; the same as csv, markdown, LaTeX (booktabs) or JSON; or one row a trial "
            "and metric (tidy csv, parquet)."
        ),
    ] = "table",
    columns: Annotated[str, typer.Option(metavar="main|all|NAMES", help="Which metrics the table shows.")] = "main",
    intervals: Annotated[
        Literal["auto", "t", "bootstrap"],
        typer.Option(help="Student's t, the studentised bootstrap, or t below 10 seeds (auto)."),
    ] = "auto",
    margin: MarginText = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead.")] = None,
) -> None:
    """Show the leaderboard of a run, computed from its files.

    Scores stand beside the oracle's, with intervals over seeds. Each model leads (*), is as good (=), worse, or open
    (?): it may be the best, and may be worse. Beside the scores that the table is sorted by stands by how much, and
    below it, in a sentence, what the seeds show. Over two or more datasets there is one ranking of all.

      genbench leaderboard results/moons-quick --sort kl --columns all
      genbench leaderboard results/moons-quick --margin 10%
      genbench leaderboard results/moons-quick --format tex --output table.tex
    """
    from genbench.api import load_run
    from genbench.display.terminal import show

    loaded = load_run(run)
    board = loaded.leaderboard(sort, intervals, margin)
    for problem in loaded.problems:
        say(problem)
    if format == "table" and output is None:
        show(board, columns)
        return
    if output is None and format == "parquet":
        raise GenbenchError("parquet is not for a terminal; add --output scores.parquet")
    content = _written(loaded, board, format)
    if output is None:
        typer.echo(content.decode(), nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise GenbenchError(f"cannot write {output}: {error.strerror or error}; choose another --output") from None
    typer.echo(str(output))


def _written(run: RunData, board: Leaderboard, format: Format) -> bytes:
    """Return the bytes of a file; a table is markdown there."""
    from genbench.display.export import render
    from genbench.display.inert_text import csv_text

    if format == "tidy":
        return csv_text(run.frame()).encode(errors="replace")
    if format == "parquet":
        try:
            return bytes(run.frame().to_parquet(index=False))
        except ImportError:
            raise GenbenchError("parquet needs pyarrow, which is not installed; `pip install pyarrow`") from None
    return render(board, "md" if format == "table" else format).encode(errors="replace")
