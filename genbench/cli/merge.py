"""`genbench merge`: the trials of several runs in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.options import Plugins, read_plugins, say, say_file
from genbench.core.errors import GenbenchError

__all__ = ["merge"]


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of two or more runs.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="New folder for the merged run.")],
    prefer: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|latest",
            help="Run whose trial is taken if two runs differ in it; latest: the later trial.",
        ),
    ] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Merge the trials of several runs into one run.

    The given runs are not changed. Samples, weights, logs, data and requests are copied. If two runs have different
    results for the same model, dataset and seed, each is named, and nothing is written until --prefer says which to
    take. A table whose trials ran on different machines says so.

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
