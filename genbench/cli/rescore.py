"""`genbench rescore`: new metrics, or more samples, for a run that is there."""

from __future__ import annotations

from typing import Annotated

import typer

from genbench.cli.options import Plugins, RunFolder, WorkerJobs, read_plugins, say
from genbench.cli.publish import publish

__all__ = ["rescore"]


def rescore(
    run: RunFolder,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Metrics: all, a family, or names. Default: those that each trial has."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=2, help="Points drawn from each model for the scores. Default: as before.")
    ] = None,
    jobs: WorkerJobs = None,
    sort: Annotated[str | None, typer.Option(metavar="METRIC", help="Sort the table by this metric.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Score a run again without training, from its stored samples, densities and weights.

    The table then holds what `genbench run` with the same options would give; the files of the old scores stay.

      genbench rescore results/moons-quick --metrics all
      genbench rescore results/moons-quick --metrics my_metric,w2 --plugin my_metric.py
      genbench rescore results/moons-quick --samples 200000
    """
    from genbench.api import load_run
    from genbench.runs.rescoring import rescore

    report = rescore(load_run(run), metrics, samples, read_plugins(plugin), jobs, not quiet)
    finished = load_run(run)
    publish(finished, sort, not quiet)
    for line in report.kept:
        say(f"kept as it was: {line}")
    for line in [*report.notes, *report.changes, *finished.problems]:
        say(line)
