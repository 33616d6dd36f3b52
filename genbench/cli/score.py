"""`genbench score`: a row for samples that something else than genbench made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.options import DataDir, Plugins, WorkerJobs, read_plugins, say
from genbench.cli.publish import publish

__all__ = ["score"]

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES",
        help="Samples [n, …] in the data's own units: .npz (an array 'samples', or the only one), .npy, or a table "
        "(.csv, .parquet). Several files are those of several seeds, such as of training runs.",
    ),
]
Data = Annotated[str, typer.Option(metavar="NAME|PATH", help="The dataset, as in genbench run.")]
LogProb = Annotated[
    list[Path],
    typer.Option(
        "--log-prob",
        metavar="FILE",
        help="Log-densities in nats [m] of the test points of `genbench data export`: an array 'test_log_prob', or "
        "the only one; 'samples_log_prob' may hold those of the first samples. Repeat for each file of samples.",
    ),
]
Name = Annotated[str | None, typer.Option(help="Name of the row. Default: that of the file.")]
Family = Annotated[str, typer.Option(help="Family of the model that made them.")]
Likelihood = Annotated[str, typer.Option(metavar="exact|estimate|bound", help="What the log-densities are.")]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N|LIST",
        help="Seeds of the data and of the evaluation, one for each file. Default: 0, 1 and so on, or those of the "
        "run. A single file is divided among several: three unless given, if each gets 1,000 samples or more, and "
        "no log-densities are given.",
    ),
]
Beside = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="Folder of the run that gets the row: one that is there, measured like its models, or a new one. "
        "Default: results/DATA-outside.",
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Metrics: all, cheap, a family, names. Default: all, or those of the run."),
]
Count = Annotated[
    int | None,
    typer.Option("--samples", min=2, help="Samples to score. Default: all, at most 50,000; or as the run."),
]
Train = Annotated[
    int | None, typer.Option(min=2, help="Training points of a synthetic dataset. Default: 20,000; or as the run.")
]
Sort = Annotated[str | None, typer.Option(metavar="METRIC", help="Sort the table by this metric.")]


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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Score samples that were made elsewhere, by the same metrics on the same evidence, beside the oracle.

    The row says that they came from outside: seconds, training points and code are unknown. Nothing in a file is
    executed: arrays of numbers are read, and no pickles.

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
