"""`genbench tune`: search for better hyper-parameters, by validation splits alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.options import DataDir, Device, Plugins, WorkerJobs, read_plugins, say, say_file
from genbench.cli.run import ProgressText, Quiet, Results, Train, teller
from genbench.core.selection import TUNED

if TYPE_CHECKING:
    from genbench.runs.tuning.request import TuneOptions

__all__ = ["tune"]

Models = Annotated[
    str,
    typer.Argument(
        metavar="MODELS",
        help="Models, a family or all; with parameters that stay: cfm[depth=4]. Each gets as many configurations.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAMES|PATHS",
        help="Datasets, as of `genbench run`. On several, a configuration is judged by how far it is behind the best "
        "of each, in nats or as a share of the distance, in the mean.",
    ),
]
Trials = Annotated[
    int, typer.Option(metavar="N", help="Configurations of each model; the first one is the model as it is.")
]
Budget = Annotated[
    str,
    typer.Option(
        help="Training of each configuration, as of `genbench run`: quick, standard, steps (2000), or seconds (20s). "
        "Under a named budget, a configuration whose steps take longer gets fewer of them."
    ),
]
Seeds = Annotated[
    str,
    typer.Option(
        metavar="N|LIST",
        help="Number of seeds of each configuration. For synthetic data they begin at 100, so that no run of a few "
        "seeds has the same points; for recorded data, which each seed splits anew, at 0.",
    ),
]
SpaceText = Annotated[
    str | None,
    typer.Option(
        "--space",
        metavar="RANGES",
        help="What to search, in the place of the ranges that models declare: lr=1e-4..1e-2:log for numbers by "
        "factors, ema=0.9..0.999 for even ones, hidden=64|128|256 for values.",
    ),
]
Sampler = Annotated[
    str,
    typer.Option(
        metavar="tpe|random|grid",
        help="How configurations are chosen: by those before (Optuna's TPE), at random, or as an even grid of --trials "
        "points at most.",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the study. Default: from data and budget.")]
MaxTime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Begin no further round of configurations that would end later: 2h, 1h30m, 45s."),
]


def tune(
    models: Models,
    data: Data = "moons",
    trials: Trials = 30,
    budget: Budget = "quick",
    seeds: Seeds = "2",
    space: SpaceText = None,
    sampler: Sampler = "tpe",
    name: Name = None,
    max_time: MaxTime = None,
    train: Train = None,
    jobs: WorkerJobs = None,
    results: Results = Path("results"),
    device: Device = "cpu",
    data_dir: DataDir = None,
    progress: ProgressText = "auto",
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Search for better hyper-parameters of models, by the validation split alone; the test split is not looked at.

    Scores are the NLL of the validation points in nats, or of a model without a density the sliced W2 of its samples to
    them. All models get as many configurations, the same data, seeds and budget. What is found is kept in
    results/tune/NAME/study.json, and --models cfm,cfm[tuned] of `genbench run` puts default and tuned side by side.
    The same command resumes after a stop; with more --trials it goes on. Needs: pip install 'genbench[tune]'.

      genbench tune cfm --data moons
      genbench tune cfm,ddpm --data moons,checkerboard --trials 50 --seeds 3 --max-time 2h
      genbench tune cfm --data wine --space "lr=1e-4..1e-2:log,hidden=64|128|256"
      genbench tune my_model --plugin my_model.py     # lr: Annotated[float, LogRange(1e-4, 1e-2)] in its constructor
      genbench list models cfm                        # shows the ranges that it declares
    """
    from genbench.display.study import show_study
    from genbench.display.study_figure import draw_study
    from genbench.runs.tuning.request import TuneOptions
    from genbench.runs.tuning.search import tune as search
    from genbench.storage.studies import STUDY

    asked = TuneOptions(
        models, data, trials, budget, seeds, space, sampler, name, results, max_time, train, jobs,
        read_plugins(plugin), device, data_dir, "none" if quiet else progress,
    )  # fmt: skip
    study, spaces, store = search(asked, teller(progress))
    show_study(study, list(spaces))
    if won := [one.model_name for one in study.models if one.model in spaces and one.winner]:
        say(f"compare them: {_comparison(won, asked)}")
    for file in (store.path / STUDY, *draw_study(study, spaces, store.path)):
        say_file(file)


def _comparison(models: Sequence[str], asked: TuneOptions) -> str:
    """Return the command that puts default and tuned side by side, under the budget of the search."""
    names = ",".join(f"{name},{name}[{TUNED}]" for name in models)
    words = ["genbench", "run", "--models", names, "--data", asked.datasets, "--budget", asked.budget]
    words += ["--results", str(asked.results)] if str(asked.results) != "results" else []
    words += [word for plugin in asked.plugins for word in ("--plugin", plugin)]
    return shlex.join(words)
