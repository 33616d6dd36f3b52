"""`genbench sweep`: the effect of fewer or more solver steps on samples of trained models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.completion import complete
from genbench.cli.options import Plugins, RunFolder, WorkerJobs, read_plugins, say, say_file
from genbench.cli.run_options import Quiet
from genbench.core.errors import GenbenchError, shown

if TYPE_CHECKING:
    from rich.table import Table

    from genbench.runs.sweep import Point

__all__ = ["sweep"]

DIGITS = 9  # of a number of steps; by hand: more than a week of network evaluations


def sweep(
    run: RunFolder,
    models: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Models, as the table calls them. all: each with a parameter steps.",
            autocompletion=complete("models"),
        ),
    ] = "all",
    steps: Annotated[str, typer.Option(metavar="LIST", help="Numbers of solver steps to try.")] = "1,2,5,10,20,50,100",
    samples: Annotated[int, typer.Option(metavar="N", min=2, help="Points to draw for each number of steps.")] = 10_000,
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Metrics, of those that need only samples.", autocompletion=complete("metrics")
        ),
    ] = "sliced_w2,w2",
    jobs: WorkerJobs = None,
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Sample trained models with other numbers of solver steps.

    It shows quality against network evaluations (NFE). Nothing is trained, and results of an earlier sweep are used
    again. A number of steps that a model refuses is skipped.

      genbench sweep results/moons-quick
      genbench sweep results/moons-quick --models cfm,ddpm --steps 1,2,4,8,16,32
    """
    from genbench.api import load_run
    from genbench.display.rich_tables import console
    from genbench.figures import save
    from genbench.runs.sweep import read_sweeps, summary
    from genbench.runs.sweep import sweep as sweep_run

    loaded = load_run(run, plugins=read_plugins(plugin))
    for problem in sweep_run(loaded, models, _numbers(steps), samples, metrics, jobs, not quiet):
        say(problem)
    for problem in loaded.problems:
        say(problem)
    points = summary(read_sweeps(loaded))
    out = console()
    for dataset in dict.fromkeys(point.dataset for point in points):
        out.print(_table(dataset, [point for point in points if point.dataset == dataset]))
    for point in points:
        if point.reason:
            say(f"{point.model} on {point.dataset} with {point.steps} steps was skipped: {point.reason}")
    for file in save(loaded, ["nfe"], say=say):
        say_file(file)


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) <= DIGITS for part in parts):
        raise GenbenchError(f"--steps '{shown(text)}' is not a list of whole numbers; write --steps 1,2,5,10")
    return list(map(int, parts))


def _table(dataset: str, points: list[Point]) -> Table:
    """Return the table of a dataset: steps, NFE, each metric with its interval over seeds and × oracle, speed."""
    from rich.markup import escape

    from genbench.display.rich_tables import empty_table

    names = list(dict.fromkeys(name for point in points for name in point.scores))
    scores = [heading for name in names for heading in (name, "× oracle")]
    title = f"{dataset}: mean ± half-width of the 95 % interval over seeds"
    table = empty_table(["model", "steps", "seeds", "NFE", *scores, "samples/s"], title=title, left=("model",))
    for i, point in enumerate(points):
        cells = [
            escape(point.model),
            str(point.steps),
            str(point.seeds),
            "–" if point.nfe is None else f"{point.nfe:g}",
        ]
        for name in names:
            mean, low, high = point.scores.get(name, (None, None, None))
            floor = point.floors.get(name)
            half = f" ± {(high - low) / 2:.2g}" if low is not None and high is not None else ""
            cells += ["–" if mean is None else f"{mean:.3g}{half}", f"{mean / floor:.2f}" if mean and floor else "–"]
        cells.append("–" if point.speed is None else f"{point.speed:,.0f}")
        last = i + 1 == len(points) or points[i + 1].model != point.model
        table.add_row(*cells, end_section=last)
    return table
