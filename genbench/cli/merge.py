"""`genbench merge`: one run of the trials of several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.options import Plugins, read_plugins, say, say_file
from genbench.core.errors import GenbenchError

__all__ = ["merge"]


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of runs, two or more.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder for the whole run.")],
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|latest",
            help="Which trial to take where two runs differ in one: that of this run, or the later one.",
        ),
    ] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Make one run of the trials of several, such as those of two machines.

    The runs stay as they are. Samples, weights, logs and data come along, and what was asked of each. Where two runs
    have a trial of the same model, dataset and seed with another key or other scores, each is named, and nothing is
    written until you say which to take. A table whose trials ran on different machines says so.

      genbench merge results/here results/there -o results/both
      genbench merge results/here results/there -o results/both --prefer latest
    """
    from genbench.analysis.run_data import RunData
    from genbench.core.registry import discover
    from genbench.runs.merge import Conflicts
    from genbench.runs.merge import merge as merge_runs

    if plugins := read_plugins(plugin):
        discover(tuple(plugins))
    try:
        found = merge_runs([RunData(run) for run in runs], output, prefer)
    except Conflicts as error:
        for line in error.lines:
            say(line)
        raise GenbenchError(str(error)) from None
    for line in [*found.notes, *found.lines]:
        say(line)
    for run, number in found.trials.items():
        typer.echo(f"{number} trial{'' if number == 1 else 's'} from {run}")
    say_file(output / "run.json")
