"""`genbench leaderboard`: the table of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.options import MarginText, Plugins, RunFolder, read_plugins, say
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    import pandas as pd

    from genbench.analysis.leaderboard import Leaderboard
    from genbench.analysis.run_data import RunData
    from genbench.display.chosen_columns import Chosen

__all__ = ["leaderboard"]

ROUNDED = ("table", "md", "tex")  # formats that are read by people
MOST = 12  # decimals; by hand: a double has 15 digits


Format = Literal["table", "csv", "md", "tex", "json", "tidy", "parquet"]
FormatName = Annotated[
    Format,
    typer.Option(
        help="How to write it: a table; the same as csv, markdown, LaTeX (booktabs) or JSON; or one row a trial "
        "and metric (tidy csv, parquet)."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="main|all|NAMES",
        help="Columns: metrics by name, in this order; in md and tex also worse_by, seeds, train_seconds, compute, "
        "samples_per_second, parameters, nfe, failures, family, log-likelihood. main: the metrics that the run was "
        "asked for by --metrics, else the main ones. Default: main in a table and tex, else all.",
    ),
]
Rows = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Rows: models by name or family. The marks stay those of the whole run."),
]
Precision = Annotated[
    int | None,
    typer.Option(metavar="N", help="Decimals of scores in a table, md and tex. Default: two digits of each interval."),
]


def leaderboard(
    run: RunFolder,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Sort by this metric. Default: the first that all models have.")
    ] = None,
    format: FormatName = "table",
    columns: Columns = None,
    rows: Rows = None,
    precision: Precision = None,
    intervals: Annotated[
        Literal["auto", "t", "bootstrap"],
        typer.Option(help="Student's t, the studentised bootstrap, or t below 10 seeds (auto)."),
    ] = "auto",
    margin: MarginText = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Show the leaderboard of a run, computed from its files.

    Scores stand beside the oracle's, with intervals over seeds. Each model leads (*), is as good (=), worse, or open
    (?): it may be the best, and may be worse. Beside the scores that the table is sorted by stands by how much, and
    below it, in a sentence, what the seeds show. Over two or more datasets there is one ranking of all.

      genbench leaderboard results/moons-quick --sort kl --columns all
      genbench leaderboard results/moons-quick --margin 10%
      genbench leaderboard results/moons-quick --format tex --columns sliced_w2,kl,nfe --precision 3 --output table.tex
      genbench leaderboard results/moons-quick --format md --rows cfm,diffusion,oracle
    """
    from genbench.api import load_run
    from genbench.display.chosen_columns import named_columns
    from genbench.display.terminal import show

    _check(format, precision, output)
    loaded = load_run(run, plugins=read_plugins(plugin))
    board = loaded.leaderboard(sort, intervals, margin)
    chosen = None if columns is None else named_columns(board, columns)
    board = board if rows is None else board.only(rows)
    for problem in loaded.problems:
        say(problem)
    if format == "table" and output is None:
        show(board, chosen or "main", precision)
        return
    content = _written(loaded, board, format, chosen, precision)
    if output is None:
        typer.echo(content.decode(), nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise GenbenchError(f"cannot write {output}: {error.strerror or error}; choose another --output") from None
    typer.echo(str(output))


def _check(format: Format, precision: int | None, output: Path | None) -> None:
    """Refuse options that do not go together."""
    if output is None and format == "parquet":
        raise GenbenchError("parquet is not for a terminal; add --output scores.parquet")
    if precision is not None and format not in ROUNDED:
        raise GenbenchError(f"{format} holds all digits; --precision is of {', '.join(ROUNDED)}")
    if precision is not None and not 0 <= precision <= MOST:
        raise GenbenchError(f"--precision {precision} is outside 0 to {MOST}: it is a number of decimals")


def _written(run: RunData, board: Leaderboard, format: Format, columns: Chosen | None, places: int | None) -> bytes:
    """Return the bytes of a file; a table is markdown there."""
    from genbench.display.export import render
    from genbench.display.inert_text import csv_text

    if format == "tidy":
        return csv_text(_tidy(run, board, columns)).encode(errors="replace")
    if format == "parquet":
        try:
            return bytes(_tidy(run, board, columns).to_parquet(index=False))
        except ImportError:
            raise GenbenchError("parquet needs pyarrow, which is not installed; `pip install pyarrow`") from None
    return render(board, "md" if format == "table" else format, columns, places).encode(errors="replace")


def _tidy(run: RunData, board: Leaderboard, columns: Chosen | None) -> pd.DataFrame:
    """Return one row a trial and metric, of the rows and columns that were chosen."""
    from genbench.display.export import with_columns

    frame = run.frame()
    names = with_columns(board, columns).metrics
    return frame[frame["model"].isin({row.model for row in board.rows}) & frame["metric"].isin(names)]
