"""`genbench score`: a row for samples from other software."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.completion import complete
from genbench.cli.options import DataDir, Plugins, WorkerJobs, read_plugins, say
from genbench.cli.publish import publish
from genbench.cli.run_options import Quiet, Sort

__all__ = ["score"]

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES",
        help="Files of samples [n, …] in the data's own units: .npz (its array 'samples', or its only array), .npy, or "
        "a table (.csv, .parquet). Several files: one for each seed, such as of several training runs.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAME|PATH",
        help="Dataset that the samples imitate, as in `genbench run`.",
        autocompletion=complete("datasets"),
    ),
]
LogProb = Annotated[
    list[Path],
    typer.Option(
        "--log-prob",
        metavar="FILE",
        help="File of log-densities in nats [m] at the test points of `genbench data export`: its array "
        "'test_log_prob', or its only array. 'points' may hold these points, which are then compared with the test "
        "points, and 'samples_log_prob' the log-densities of the first samples. Repeat the option for each file of "
        "samples.",
    ),
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the row. Default: that of the file.")]
Family = Annotated[str, typer.Option(metavar="FAMILY", help="Family of the model that made the samples.")]
Likelihood = Annotated[
    str,
    typer.Option(
        metavar="exact|estimate|bound", help="Kind of the log-densities. exact, an estimate, or a lower bound."
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N|LIST",
        help="Seeds of data and evaluation, one for each file. Default: 0, 1, …, or those of the run. A single file "
        "without log-densities is divided among three seeds by default, if each gets at least 1,000 samples.",
    ),
]
Beside = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Folder of the run that gets the row. An existing run: the samples are scored like its models. Else a new "
        "run is made. Default: results/DATA-outside.",
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Metrics: all, cheap, a family, or names. Default: those of the run, else all.",
        autocompletion=complete("metrics"),
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        "--samples",
        metavar="N",
        min=2,
        help="Number of samples to score. Default: that of the run, else all, at most 50,000.",
    ),
]
Train = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        help="Training points of a synthetic dataset. Default: that of the run, else 20,000.",
    ),
]


def score(
    samples: Files,
    data: Data,
    log_prob: LogProb = [],  # noqa: B006
    name: Name = None,
    family: Family = "outside",
    likelihood: Likelihood = "exact",
    seeds: Seeds = None,
    run: Beside = None,
    metrics: Metrics = None,
    count: Count = None,
    train: Train = None,
    jobs: WorkerJobs = None,
    sort: Sort = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Score samples that were made by other software.

    They get the same metrics and test points as the models of a run, and a row of their own beside the oracle. The row
    says that training time, training points and code are unknown. No code in a file is run, and no pickle is read.

      genbench score samples.npz --data moons
      genbench score theirs-0.npz theirs-1.npz theirs-2.npz --data moons --name theirs --family flow
      genbench data export moons --seed 0
      genbench score theirs.npz --log-prob density.npy --data moons --run results/moons-quick
    """
    from genbench.core.environment import command
    from genbench.results import Run
    from genbench.runs.scoring import ScoreOptions, score_given

    options = ScoreOptions(
        samples=samples, dataset=data, log_prob=log_prob or None, name=name, family=family, likelihood=likelihood,
        seeds=seeds, run=run, metrics=metrics, count=count, train=train, jobs=jobs, plugins=read_plugins(plugin),
        progress=not quiet, data_dir=data_dir,
    )  # fmt: skip
    finished = Run(score_given(options, say, {"command": command()}))
    publish(finished, sort, not quiet)
