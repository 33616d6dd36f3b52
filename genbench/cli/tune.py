"""`genbench tune`: search for better hyper-parameters, only by validation splits."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.completion import complete
from genbench.cli.options import DataDir, Device, Plugins, WorkerJobs, read_plugins, say, say_file
from genbench.cli.run import teller
from genbench.cli.run_options import ProgressText, Quiet, Results, Train
from genbench.core.selection import TUNED

if TYPE_CHECKING:
    from genbench.runs.tuning.request import TuneOptions

__all__ = ["tune"]

Models = Annotated[
    str,
    typer.Argument(
        metavar="MODELS",
        help='Models, a family or all. Parameters in brackets are fixed: "cfm[depth=4]". Each model gets as '
        "many configurations as the others.",
        autocompletion=complete("models"),
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAMES|PATHS",
        help="Datasets, as in `genbench run`. On several, a configuration is scored by how much worse it is on average "
        "than the best on each, in nats or as a share of the distance.",
        autocompletion=complete("datasets"),
    ),
]
Trials = Annotated[
    int, typer.Option(metavar="N", help="Number of configurations of each model. The first has the default parameters.")
]
Budget = Annotated[
    str,
    typer.Option(
        metavar="BUDGET",
        help="Training of each configuration: quick (10 s), standard (45 s), steps (2000), or seconds (20s). With "
        "quick or standard, a configuration with slower steps gets fewer steps.",
    ),
]
Seeds = Annotated[
    str,
    typer.Option(
        metavar="N|LIST",
        help="Number of seeds of each configuration, or a list. For synthetic data they start at 100, so that a run "
        "with few seeds has other points; for recorded data at 0, since each seed makes a new split.",
    ),
]
SpaceText = Annotated[
    str | None,
    typer.Option(
        "--space",
        metavar="RANGES",
        help="Ranges to search instead of those that the models declare: lr=1e-4..1e-2:log (logarithmic), "
        "ema=0.9..0.999 (linear), hidden=64|128|256 (values).",
    ),
]
Sampler = Annotated[
    str,
    typer.Option(
        metavar="tpe|random|grid",
        help="Choice of configurations. tpe: from earlier results (TPE of Optuna). random: at random. grid: an even "
        "grid of at most --trials points.",
    ),
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the study. Default: made of data and budget.")]
MaxTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Time after which no configurations are added: 2h, 1h30m, 45s. Default: no limit."
    ),
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
    """Search for better hyper-parameters on the validation split.

    The test split is not used. The score is the NLL of the validation points in nats; for a model without a density,
    the sliced W2 between its samples and these points. All models get the same number of configurations, the same data,
    seeds and budget. The result is kept in results/tune/NAME/study.json; --models "cfm,cfm[tuned]" of `genbench run`
    compares default and tuned. The same command resumes after a stop, or adds configurations if --trials is larger.
    Needs: pip install 'genbench[tune]'.

      genbench tune cfm --data moons
      genbench tune cfm,ddpm --data moons,checkerboard --trials 50 --seeds 3 --max-time 2h
      genbench tune cfm --data wine --space "lr=1e-4..1e-2:log,hidden=64|128|256"
      genbench tune my_model --plugin my_model.py
      genbench list models cfm
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
