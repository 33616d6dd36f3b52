"""`genbench leaderboard`: the table of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.completion import complete
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
        metavar="table|csv|md|tex|json|tidy|parquet",
        help="Format: a table for the terminal; the same in CSV, Markdown, LaTeX (booktabs) or JSON; or one row for "
        "each trial and metric, as CSV (tidy) or Parquet.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="main|all|NAMES",
        help="Columns, in the order given: names of metrics; in md and tex also worse_by, seeds, train_seconds, "
        "compute, samples_per_second, parameters, nfe, failures, family, log-likelihood. main: the metrics given to "
        "`genbench run --metrics`, or a short list. Default: main for table and tex, all for the others.",
        autocompletion=complete("metrics", "main"),
    ),
]
Rows = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Rows: names or families of models. The marks are still those of the whole run. Default: all.",
        autocompletion=complete("models"),
    ),
]
Precision = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of decimals in table, md and tex. Default: two digits of each interval."),
]


def leaderboard(
    run: RunFolder,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="Metric to sort by. Default: the first that all models have and that sees how coordinates depend on "
            "each other.",
            autocompletion=complete("metrics"),
        ),
    ] = None,
    format: FormatName = "table",
    columns: Columns = None,
    rows: Rows = None,
    precision: Precision = None,
    intervals: Annotated[
        Literal["auto", "t", "bootstrap"],
        typer.Option(
            metavar="auto|t|bootstrap",
            help="Kind of 95 % intervals. t: Student's t. bootstrap: studentised bootstrap. auto: t below 10 seeds.",
        ),
    ] = "auto",
    margin: MarginText = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write instead of printing.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Show the leaderboard of a run, computed from its files.

    Each score has a 95 % interval over seeds and is compared with the score of the oracle. Marks: * is the leader, = is
    as good, ? is open (it may be the best or worse), no mark is worse. A sentence below the table sums up. A run on two
    or more datasets also has one ranking over all of them.

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
        raise GenbenchError("--format parquet cannot be printed on a terminal; add --output scores.parquet")
    if precision is not None and format not in ROUNDED:
        raise GenbenchError(
            f"--format {format} has all digits, and --precision is for {', '.join(ROUNDED)}; leave one of them out"
        )
    if precision is not None and not 0 <= precision <= MOST:
        raise GenbenchError(f"--precision {precision} is no number of decimals; give one from 0 to {MOST}")


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
