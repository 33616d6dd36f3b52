"""`genbench run`: train, score, show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.options import DataDir, Device, MarginText, Plugins, say
from genbench.cli.publish import publish
from genbench.cli.run_requests import SaveConfig, Source, asked_for, save_config

if TYPE_CHECKING:
    from genbench.core.types import Say
    from genbench.runs.launch import RunOptions

__all__ = ["run"]

Models = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Models: all, zoo (with their variants), a family (peers: other libraries'), or names with parameters: "
        "cfm,vae[latent_dim=4]. A list of values is a grid: vae[latent_dim=[2,4]]. cfm[tuned]: as `genbench tune` "
        "found it best.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAMES|PATHS",
        help="Datasets: all, a family, names with parameters (moons,circles[noise=0.1]), or your own by path: a table "
        "or a dated series (.csv, .tsv, .txt, .npy, .npz, .parquet), or a folder of images. "
        "Parameters and odd letters: 'table.csv[label=species,drop=[id]],\"my data, v1.csv\"'.",
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N|LIST|auto",
        help="Number of seeds (3 is 0, 1, 2), or a list: 4,7 (a single one: 4,). Default: 3, for smoke 1. auto: 3, "
        "then more where it is open which model is best by the metric of --sort, and none for models that are worse.",
    ),
]
MaxSeeds = Annotated[
    int | None,
    typer.Option(metavar="N", help="With --seeds auto: the most seeds that a model gets. Default: 20."),
]
MaxTime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="With --seeds auto: add no seeds that would end later: 2h, 1h30m, 45s."),
]
BudgetText = Annotated[
    str,
    typer.Option(
        help="Training of each model: smoke (half a second: a check that all works, by default with one seed, 5,000 "
        "samples and the cheap metrics), quick (about 10 s), standard (about 45 s), steps (2000), or seconds (30s; not "
        "repeatable bit by bit)."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Worker processes; 0 runs in this process, without timeouts. Default: as many as keep all cores busy. "
        "With --dask: trials at a time.",
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        min=1, help="Threads of torch in a trial. More than one pays for networks on large images alone, on idle cores."
    ),
]
Name = Annotated[
    str | None, typer.Option(help="Name of the run. Default: from data and budget, so that the same command resumes.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=1, help="Seconds after which a trial is stopped. Default: 300 for smoke, 900 for quick, else 3600."
    ),
]
Task = Annotated[
    str,
    typer.Option(
        metavar="TASK",
        help="What a trial does: generate (fit, sample, score), curve (the same, with scores during training), "
        "variance (three training runs and nine draws a seed: where a score's spread comes from), scaling "
        "(trained again in 2 to 256 dimensions, and on 1,000 to a million points: some 15 training runs a trial), "
        "classify (a density for each class, over which the budget is divided, and Bayes' rule), impute (fill gaps), "
        "interpolate (paths through latent space), or forecast (series, one step ahead).",
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(min=2, help="Points drawn from each model and scored. Default: 50,000, for smoke 5,000."),
]
Train = Annotated[int | None, typer.Option(min=2, help="Training points of a synthetic dataset. Default: 20,000.")]
CheckpointEvery = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Seconds of training between two checkpoints, from which a killed trial resumes; 0 for none.",
    ),
]
Previews = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, help="Number of times to draw samples during training, to figures/training of the run."
    ),
]
LogTo = Annotated[
    str | None,
    typer.Option(
        metavar="tensorboard|wandb|mlflow",
        help="Log losses, previews and scores of each trial: to the folder tensorboard of the run, to Weights & Biases "
        "(WANDB_MODE=offline: to the folder wandb), or to the server of MLFLOW_TRACKING_URI (unless set: to the folder "
        "mlflow). Each is an extra.",
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Run the K-th of N equal parts of the trials (3/10), for machines that share the folder of results: an "
        "array of SLURM jobs, say. Each part has something of all models, datasets and seeds.",
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS|local",
        help="Run the trials on the workers of a Dask cluster, by the address of its scheduler (tcp://host:8786); "
        "local starts one of --jobs workers on this machine. Needs: pip install 'genbench[cluster]'.",
    ),
]
Resources = Annotated[
    str | None,
    typer.Option(metavar="NAME=N", help="With --dask: what a trial takes of its worker, as GPU=1. Default: a thread."),
]
Retries = Annotated[
    int | None,
    typer.Option(min=0, help="With --dask: how often a trial is done again where its worker fails. Default: 2."),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Metrics: all, cheap (without the costly ones), a family, or names. Default: all, for smoke cheap.",
    ),
]
TunedFolder = Annotated[
    Path | None,
    typer.Option(
        "--tuned",
        metavar="FOLDER",
        help="Where `genbench tune` has put what cfm[tuned] stands for: a study, or a folder of studies. Default: tune "
        "in the folder of runs.",
    ),
]
Results = Annotated[Path, typer.Option(help="Folder of runs.")]
Sort = Annotated[str | None, typer.Option(metavar="METRIC", help="Sort the table by this metric.")]


ProgressText = Annotated[
    str,
    typer.Option(
        metavar="FORM",
        help="How far the run is, on stderr: bar, lines (one every ten seconds), json (an object a line, for programs) "
        "or none. auto: a bar on a terminal, lines elsewhere.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress: --progress none.")]


def run(
    context: typer.Context,
    source: Source = None,
    models: Models = "all",
    data: Data = "moons",
    seeds: Seeds = None,
    max_seeds: MaxSeeds = None,
    max_time: MaxTime = None,
    margin: MarginText = None,
    budget: BudgetText = "quick",
    metrics: Metrics = None,
    task: Task = "generate",
    jobs: Jobs = None,
    threads: Threads = 1,
    name: Name = None,
    results: Results = Path("results"),
    timeout: Timeout = None,
    samples: Samples = None,
    train: Train = None,
    sort: Sort = None,
    tuned: TunedFolder = None,
    shard: ShardText = None,
    dask: DaskAddress = None,
    resources: Resources = None,
    retries: Retries = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Ask again for what was asked of the run in SOURCE.")] = False,
    save: SaveConfig = None,
    why: Annotated[bool, typer.Option("--why", help="Say which trials would run, and why, and run nothing.")] = False,
    checkpoint_every: CheckpointEvery = 60.0,
    previews: Previews = 0,
    log: LogTo = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
    progress: ProgressText = "auto",
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Train and score models, show the leaderboard, draw the samples side by side.

    Finished trials are kept: after a stop, of whatever kind, the same command resumes, a long training run from its
    last checkpoint, with the same weights in the end, bit for bit. Ctrl-C once finishes the trials that run, twice
    stops at once. What a trial prints goes to logs/ in the run's folder.
    Every dataset gets the oracle, draws from the truth itself, whose score stands beside every score.

      genbench run --models all --data moons
      genbench run --models cfm,ddpm --data moons,ring --seeds 5 --budget standard
      genbench run --models my_model,cfm --plugin my_model.py
      genbench run --models gmm,cfm --data my.csv
      genbench run --models "cfm[hidden=[64,128]],cfm[tuned]"   # a grid of two, and as `genbench tune` found it
      genbench run experiment.toml --seeds 5                 # a file of these options; what is typed comes before
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
    """Return what tells a line: whoever reads progress as JSON reads nothing else there."""
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
