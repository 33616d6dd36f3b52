"""`genbench rescore`: new metrics, or more samples, for an existing run."""

from __future__ import annotations

from typing import Annotated

import typer

from genbench.cli.completion import complete
from genbench.cli.options import Plugins, RunFolder, WorkerJobs, read_plugins, say
from genbench.cli.publish import publish
from genbench.cli.run_options import Quiet, Sort

__all__ = ["rescore"]


def rescore(
    run: RunFolder,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Metrics: all, a family, or names. Default: those that each trial has.",
            autocompletion=complete("metrics"),
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Points to draw from each model and score. Default: as many as before."),
    ] = None,
    jobs: WorkerJobs = None,
    sort: Sort = None,
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Score a run again, with other metrics or more samples.

    Nothing is trained: the stored samples, densities and weights are used. The table becomes the one that `genbench
    run` with the same options would give. The files of the old scores are kept.

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
