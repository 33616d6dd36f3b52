"""`genbench compare`: two runs, or two models of one run, with a verdict for each row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.cli.completion import complete
from genbench.cli.options import Plugins, read_plugins, say
from genbench.core.errors import GenbenchError

__all__ = ["compare"]


Before = Annotated[
    Path, typer.Argument(metavar="A", help="Folder of the run to compare with, such as the one before a change.")
]
After = Annotated[
    Path | None,
    typer.Argument(metavar="B", help="Folder of the run to compare. Default: A, whose --models are compared."),
]
Models = Annotated[
    str,
    typer.Option(
        metavar="MODEL,MODEL",
        help="Models to compare, as the table calls them. Within one run: the first with each of the others. "
        "Default: all that both runs have.",
        autocompletion=complete("models"),
    ),
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="main|all|NAMES",
        help="Metrics to compare. main: those of the table.",
        autocompletion=complete("metrics"),
    ),
]
FormatName = Annotated[
    Literal["table", "csv", "md", "json"], typer.Option(metavar="table|csv|md|json", help="Format of the output.")
]
Alpha = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Error rate for each metric: how often any row may be called better or worse when nothing differs.",
    ),
]
MarginOfDifference = Annotated[
    str | None,
    typer.Option(
        metavar="10%|0.05",
        help="Largest difference between A and B at which B is as good, 10% for scores that are compared by "
        "quotients, 0.05 in the metric's unit for the others. Default: 10% for quotients, and the smallest difference "
        "that the metric can show for the others.",
    ),
]
FailOnRegression = Annotated[
    bool, typer.Option("--fail-on-regression", help="End with exit code 1 if B is worse in any row.")
]


def compare(
    a: Before,
    b: After = None,
    models: Models = "",
    metrics: Metrics = "main",
    format: FormatName = "table",
    alpha: Alpha = 0.05,
    margin: MarginOfDifference = None,
    fail_on_regression: FailOnRegression = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Compare two runs, or models of one run, seed by seed.

    Each row has a verdict: better, worse, as good, or open. With the names of models it compares the models of one run.

      genbench compare results/before results/after
      genbench compare results/before results/after --fail-on-regression
      genbench compare results/moons-quick --models cfm,ddpm
      genbench compare results/before results/after --metrics kl,w2 --format json
    """
    from genbench.analysis.comparison import compare as compare_runs
    from genbench.analysis.verdicts import Margin
    from genbench.api import load_run
    from genbench.core.selection import parse_list
    from genbench.display.chosen_columns import asked_columns
    from genbench.display.comparison import differences, render, show, summary

    if b is None and not models:
        raise GenbenchError(
            f"only one run, {a}, is given; compare needs a second run, or two models of this one: --models cfm,ddpm"
        )
    before = load_run(a, plugins=read_plugins(plugin))
    after = before if b is None else load_run(b)
    labels = [str(spec) for spec in parse_list(models)] if models else []
    comparison = compare_runs(before, after, labels, alpha, Margin.parse(margin) if margin is not None else None)
    if metrics == "main":
        board = before.leaderboard()
        shared = [name for name in asked_columns(board, board.rows) if name in comparison.metrics]
        comparison = comparison.only(shared or comparison.metrics)
    elif metrics != "all":
        comparison = comparison.only([name.strip() for name in metrics.split(",") if name.strip()])
    for problem in dict.fromkeys([*before.problems, *after.problems]):
        say(problem)
    if format == "table":
        show(comparison)
    else:
        typer.echo(render(comparison, format), nl=False)
    if format in ("csv", "json"):
        for line in (*differences(comparison), summary(comparison)):
            say(line)
    if fail_on_regression and comparison.regressions:
        raise typer.Exit(1)
