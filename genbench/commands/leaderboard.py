"""`genbench leaderboard`: the table of a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from genbench.commands.common import RunFolder, say

__all__ = ["leaderboard"]


class Format(StrEnum):
    """How a leaderboard is written."""

    table = "table"
    csv = "csv"
    md = "md"
    tex = "tex"
    json = "json"


def leaderboard(
    run: RunFolder,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Sort by this metric. Default: the first that all models have.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    columns: Annotated[str, typer.Option(metavar="main|all|NAMES", help="Which metrics the table shows.")] = "main",
) -> None:
    """Show the leaderboard of a run, computed from its files."""
    from genbench.api import load_run
    from genbench.tables import render, show

    loaded = load_run(run)
    board = loaded.leaderboard(sort)
    for problem in loaded.problems:
        say(problem)
    if format is Format.table:
        show(board, columns)
    else:
        typer.echo(render(board, format.value), nl=False)
