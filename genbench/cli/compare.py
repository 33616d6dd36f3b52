"""`genbench compare`: two runs, or two models of one run, with a verdict a row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.cli.options import Plugins, read_plugins, say
from genbench.core.errors import GenbenchError

__all__ = ["compare"]


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A run's folder: what is compared against.")],
    b: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="A run's folder: what is compared. Default: A, with --models.")
    ] = None,
    models: Annotated[
        str, typer.Option(metavar="MODEL,MODEL", help="Which models; in one run, the later ones against the first.")
    ] = "",
    metrics: Annotated[str, typer.Option(metavar="main|all|NAMES", help="Which metrics.")] = "main",
    format: Annotated[Literal["table", "csv", "md", "json"], typer.Option(help="How to write it.")] = "table",
    alpha: Annotated[
        float, typer.Option(help="How often, for each metric, B may be called better or worse where nothing differs.")
    ] = 0.05,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="10%|0.05", help="How far B may lie from A and be as good, in percent or in the metric's unit."
        ),
    ] = None,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 where B is worse in any row.")
    ] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Compare run B against run A, seed by seed: better, worse, as good, or open."""
    from genbench.analysis.comparison import compare as compare_runs
    from genbench.analysis.verdicts import Margin
    from genbench.api import load_run
    from genbench.core.selection import parse_list
    from genbench.display.chosen_columns import asked_columns
    from genbench.display.comparison import differences, render, show, summary

    if b is None and not models:
        raise GenbenchError("compare needs two runs, or one and two of its models: --models cfm,ddpm")
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
