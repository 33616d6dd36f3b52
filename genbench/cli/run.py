"""`genbench run`: train, score, show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genbench.cli.options import DataDir, Device, MarginText, Plugins, say
from genbench.cli.publish import publish
from genbench.cli.run_options import (
    Again,
    BudgetText,
    CheckpointEvery,
    DaskAddress,
    Data,
    Jobs,
    LogTo,
    MaxSeeds,
    MaxTime,
    Metrics,
    Models,
    Name,
    Previews,
    ProgressText,
    Quiet,
    Resources,
    Results,
    Retries,
    RetryFailed,
    Samples,
    Seeds,
    ShardText,
    Sort,
    Task,
    Threads,
    Timeout,
    Train,
    TunedFolder,
    Why,
)
from genbench.cli.run_requests import SaveConfig, Source, asked_for, save_config

if TYPE_CHECKING:
    from genbench.core.types import Say
    from genbench.runs.launch import RunOptions

__all__ = ["run"]


def run(
    context: typer.Context,
    source: Source = None,
    models: Models = "all",
    data: Data = "moons",
    metrics: Metrics = None,
    task: Task = "generate",
    seeds: Seeds = None,
    budget: BudgetText = "quick",
    samples: Samples = None,
    train: Train = None,
    max_seeds: MaxSeeds = None,
    max_time: MaxTime = None,
    timeout: Timeout = None,
    sort: Sort = None,
    margin: MarginText = None,
    name: Name = None,
    results: Results = Path("results"),
    jobs: Jobs = None,
    threads: Threads = 1,
    device: Device = "cpu",
    data_dir: DataDir = None,
    tuned: TunedFolder = None,
    plugin: Plugins = [],  # noqa: B006
    why: Why = False,
    retry_failed: RetryFailed = False,
    again: Again = False,
    save: SaveConfig = None,
    checkpoint_every: CheckpointEvery = 60.0,
    progress: ProgressText = "auto",
    quiet: Quiet = False,
    previews: Previews = 0,
    log: LogTo = None,
    shard: ShardText = None,
    dask: DaskAddress = None,
    resources: Resources = None,
    retries: Retries = None,
) -> None:
    """Train models, score them, and show the leaderboard.

    Each model is trained on each dataset with each seed: a trial. Each dataset also gets the oracle, which draws from
    the truth itself; its score stands beside every score. Finished trials are kept: the same command resumes after a
    stop. Ctrl-C once finishes the trials that run; twice stops at once. Output of a trial goes to logs/ of the run.

      genbench run --models all --data moons
      genbench run --models cfm,ddpm --data moons,ring --seeds 5 --budget standard
      genbench run --models all --data moons --budget smoke
      genbench run --models my_model,cfm --plugin my_model.py --data my.csv
      genbench run --models "cfm[hidden=[64,128]],cfm[tuned]"
      genbench run experiment.toml --seeds 5
      genbench run results/moons-quick --again
    """
    requests = asked_for(context, dict(locals()), teller(progress))
    if save is not None:
        save_config(save, requests)
    for options in requests if why else ():
        _explain(options)
    if not why:
        _carry_out(requests, sort, typed=source is None)


def _explain(options: RunOptions) -> None:
    from genbench.runs.launch import explain

    typer.echo("\n".join(explain(options, teller(options.progress))))


def teller(progress: bool | str) -> Say:
    """Return the function that prints a line; with JSON progress, lines are JSON, too."""
    from genbench.core.progress import say_json

    return say_json if progress == "json" else say


def _carry_out(requests: Sequence[RunOptions], sort: str | None, typed: bool) -> None:
    """Run what is asked for, and publish the tables.

    Args:
        typed: whether the command says all of it, so that it is what the run's record keeps.

    Raises:
        typer.Exit: a trial failed.
    """
    from genbench.results import Run
    from genbench.runs.launch import launch

    folders = {launch(options, teller(options.progress), typed=typed): options for options in requests}
    failed = False
    for folder, options in folders.items():
        finished = Run(folder)
        finished.margin = options.margin
        failed = publish(finished, options.sort or sort, options.progress, teller(options.progress)) or failed
    if failed:
        raise typer.Exit(1)
