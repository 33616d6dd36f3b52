"""`genbench power`: the seeds that a comparison needs, and what present seeds can find."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.completion import complete
from genbench.cli.options import Plugins, read_plugins, say
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.analysis.seed_plan import Question, SeedPlan

__all__ = ["power"]

MOST_MODELS = 200  # by hand: a simulation of more takes minutes
MOST_PANELS = 12  # of a figure; by hand: a page


Factors = Annotated[
    str | None,
    typer.Option(metavar="1.2,1.5,2", help="Factors by which one model is worse than the others. Default: 1.2,1.5,2."),
]
Differences = Annotated[
    str | None,
    typer.Option(
        metavar="0.01,0.05",
        help="Differences by which one model is worse, in the metric's unit, for metrics compared by differences (KL, "
        "NLL, shares). Default: 1, 2 and 4 standard deviations over seeds.",
    ),
]
RunMetrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES|main|all",
        help="Metrics of the run. Default: the one that its table is sorted by.",
        autocompletion=complete("metrics", "main"),
    ),
]
Deviation = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Standard deviation over seeds, for a plan without a run: of the logarithm of a score, or with "
        "--differences in the metric's unit. Default: 0.172, measured for log sliced W2 in genbench's own runs.",
    ),
]
Models = Annotated[int | None, typer.Option(metavar="N", help="Number of models. Default: that of the run, else 10.")]
FigureFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File (.png or .svg) for a figure of power against seeds.")
]


RunOrNone = Annotated[
    Path | None, typer.Argument(metavar="RUN", help="Folder of a run, whose spread over seeds is used.")
]
Probability = Annotated[
    str,
    typer.Option("--power", metavar="80%", help="Share of runs that call the worse model worse: the power to reach."),
]
Worse = Annotated[int, typer.Option(metavar="N", help="Number of models that are worse, all by the same amount.")]
Seeds = Annotated[
    int | None, typer.Option(metavar="N", help="Number of seeds of each model. Default: that of the run, else 3.")
]
FormatName = Annotated[Literal["table", "json"], typer.Option(metavar="table|json", help="Format of the output.")]


def power(
    run: RunOrNone = None,
    metric: RunMetrics = None,
    data: Annotated[str | None, typer.Option(metavar="NAME", help="Dataset of the run. Default: each of them.")] = None,
    factors: Factors = None,
    differences: Differences = None,
    probability: Probability = "80%",
    models: Models = None,
    worse: Worse = 1,
    seeds: Seeds = None,
    spread: Deviation = None,
    format: FormatName = "table",
    figure: FigureFile = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Compute how many seeds a comparison needs.

    It says how many seeds are needed to call a worse model worse, and which differences the present seeds can find.
    Before a run it uses a stored spread over seeds. With the folder of a run (a pilot of three seeds is enough) it uses
    the spread of that run, and says how many more seeds would decide the open models. It simulates the verdicts.

      genbench power --models 10
      genbench power results/moons-quick
      genbench power results/moons-quick --metric kl --differences 0.005,0.01 --figure power.png
    """
    from genbench.analysis.seed_plan import Question
    from genbench.core.registry import discover
    from genbench.display.seed_plan import render, show
    from genbench.statistics.power import MOST_SEEDS

    discover(tuple(read_plugins(plugin)), groups=())
    if figure is not None:
        _check_file(figure)
    for name, number, least, most in (
        ("--models", models, 2, MOST_MODELS),
        ("--worse", worse, 1, MOST_MODELS),
        ("--seeds", seeds, 2, MOST_SEEDS),
    ):
        if number is not None and not least <= number <= most:
            raise GenbenchError(f"{name} {number} is too small or too large; give a number from {least} to {most}")
    amounts = _numbers("--factors", factors, 1.0), _numbers("--differences", differences, 0.0)
    question = Question(_share(probability), *amounts, models, worse, seeds)
    plans, source = (
        _without_run(question, spread, metric, data) if run is None else _of_run(run, question, spread, metric, data)
    )
    if format == "json":
        typer.echo(render(plans), nl=False)
    else:
        show(plans, source)
    if figure is not None:
        _draw(plans, figure)
        say(f"wrote {figure}")


def _of_run(
    run: Path, question: Question, spread: float | None, metric: str | None, data: str | None
) -> tuple[list[SeedPlan], str]:
    """Return the plans of a run's tables, and where their spread comes from."""
    from genbench.analysis.seed_plan import seed_plans, select_metrics
    from genbench.api import load_run

    if spread is not None:
        raise GenbenchError(
            "--spread is for plans without a run, and a run has a spread of its own; leave out one of them"
        )
    loaded = load_run(run)
    board = loaded.only(data).leaderboard()
    plans = seed_plans(board, select_metrics(board, metric), question, progress=True)
    for problem in loaded.problems:
        say(problem)
    return plans, "Standard deviations over seeds: as this run shows them, with their uncertainty."


def _without_run(
    question: Question, spread: float | None, metric: str | None, data: str | None
) -> tuple[list[SeedPlan], str]:
    """Return the plan by a given or the stored spread, and where that comes from."""
    from genbench.analysis.seed_plan import plan_without_run
    from genbench.statistics.power import STORED

    for name, given in (("--metric", metric), ("--data", data)):
        if given is not None:
            raise GenbenchError(
                f"{name} {given} needs a run; add its folder, such as results/moons-quick, or leave out {name}"
            )
    if spread is not None and not 0 < spread < float("inf"):
        raise GenbenchError(f"--spread {spread:g} is not a standard deviation; give a number above 0, such as 0.17")
    if question.factors and question.differences:
        raise GenbenchError("--factors and --differences have different scales; without a run, give only one of them")
    plan = plan_without_run(question, spread)
    own = " (of log sliced W2, in 101 cells of genbench's own runs)" if spread is None else ""
    known = f"scaled inverse χ², {STORED.freedom:g} degrees of freedom around {plan.deviation:g}"
    return [plan], f"Standard deviations over seeds: {known}{own}."


def _check_file(figure: Path) -> None:
    """Refuse a figure that cannot be written, before anything is simulated."""
    if figure.suffix not in (".png", ".svg"):
        raise GenbenchError(f"cannot draw {figure}: the name of a figure ends in .png or .svg")
    if not figure.parent.is_dir():
        raise GenbenchError(f"cannot write {figure}: there is no folder {figure.parent}; choose another --figure")


def _draw(plans: list[SeedPlan], file: Path) -> None:
    import io

    from genbench.display.power_words import amount
    from genbench.plotting.power import PowerPanel, draw_power
    from genbench.plotting.style import styled

    if len(plans) > MOST_PANELS:
        raise GenbenchError(
            f"{len(plans)} tables are too many for one figure, which has room for {MOST_PANELS}; choose fewer with "
            "--metric and --data"
        )
    panels = [
        PowerPanel(
            ", ".join(part for part in (plan.dataset, plan.metric_label) if part) or f"{plan.models} models",
            *plan.curve(),
            [amount(one.worse_by, plan.scale, plan.unit) for one in plan.amounts],
        )
        for plan in plans
    ]
    out, form = io.BytesIO(), file.suffix[1:]
    with styled():
        title = "Power: how often a worse model is called worse"
        drawn = draw_power(panels, title, plans[0].power, [plan.seeds for plan in plans])
        drawn.savefig(out, format=form)
    try:
        file.write_bytes(out.getvalue())
    except OSError as error:
        raise GenbenchError(f"cannot write {file}: {error.strerror or error}; choose another --figure") from None


def _share(text: str) -> float:
    """Return a power: "80%" or "0.8"."""
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*(%?)\s*", text)
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0.1 <= share <= 0.99:
        raise GenbenchError(f"--power {text} is not between 10% and 99%; write 80%, the usual one")
    return share


def _numbers(option: str, text: str | None, least: float) -> list[float] | None:
    """Return the numbers of a list, each above `least`; None for none."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise GenbenchError(f"{option} {text} is not a list of numbers; write {option} 1.2,1.5,2") from None
    for number in numbers:
        if not least < number < float("inf"):
            raise GenbenchError(
                f"{option} {number:g} is not above {least:g}; give the amount by which a model is worse"
            )
    return numbers
