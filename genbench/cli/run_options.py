"""The options of `genbench run`; some commands share them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.completion import complete

__all__ = [
    "Again", "BudgetText", "CheckpointEvery", "DaskAddress", "Data", "Jobs", "LogTo", "MaxSeeds", "MaxTime", "Metrics",
    "Models", "Name", "Previews", "ProgressText", "Quiet", "Resources", "Results", "Retries", "RetryFailed", "Samples",
    "Seeds", "ShardText", "Sort", "Task", "Threads", "Timeout", "Train", "TunedFolder", "Why",
]  # fmt: skip

# the groups of the help text
WHAT = "What to run"
EFFORT = "How much"
TABLE = "Table and verdicts"
PLACE = "Where it runs"
REPEAT = "Resume and repeat"
WATCH = "Progress and logs"
CLUSTER = "Several machines"

Models = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help='Models, separated by commas: "cfm,vae[latent_dim=4]". all: each model once; zoo: their variants, too; '
        "peers: models of other libraries; or another family, such as flow-matching. A list of values makes a grid: "
        '"vae[latent_dim=[2,4]]". "cfm[tuned]" takes the parameters that `genbench tune` found.',
        autocompletion=complete("models"),
        rich_help_panel=WHAT,
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="NAMES|PATHS",
        help='Datasets, separated by commas: "moons,circles[noise=0.1]". all, a family or a suite, such as hard. Or '
        "the path of your own: a table or a dated series (.csv, .tsv, .txt, .npy, .npz, .parquet), or a folder of "
        "images. Parameters follow the path: 'table.csv[label=species,drop=[id]]'. A path with commas or spaces needs "
        "quotes of its own: '\"my data, v1.csv\"'.",
        autocompletion=complete("datasets"),
        rich_help_panel=WHAT,
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Metrics: all, cheap (all but the slow ones), a family, or names. Default: all; with --budget smoke: "
        "cheap.",
        autocompletion=complete("metrics"),
        rich_help_panel=WHAT,
    ),
]
Task = Annotated[
    str,
    typer.Option(
        metavar="TASK",
        help="Work of a trial. generate: fit, sample, score. curve: the same, with scores during training. variance: "
        "three training runs and nine draws a seed, to see where the spread of a score comes from. scaling: about 15 "
        "training runs, in 2 to 256 dimensions and on 1,000 to a million points. classify: one density for each class, "
        "and Bayes' rule; the classes share the budget. impute: fill gaps. interpolate: paths through latent space. "
        "forecast: series, one step ahead.",
        rich_help_panel=WHAT,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N|LIST|auto",
        help="Number of seeds (3: the seeds 0, 1, 2), or a list of seeds (4,7; one alone: 4,). auto: 3 seeds, then "
        "more for each model that may still be the best by the metric of --sort. Default: 3; with --budget smoke: 1.",
        rich_help_panel=EFFORT,
    ),
]
BudgetText = Annotated[
    str,
    typer.Option(
        metavar="BUDGET",
        help="Training of each model. smoke: half a second, to see whether all works. quick: about 10 seconds. "
        "standard: about 45 seconds. These are numbers of steps, so that results repeat bit by bit. Or steps (2000), "
        "or seconds of wall time (30s), which do not repeat.",
        rich_help_panel=EFFORT,
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        help="Points to draw from each model and score. Default: 50,000; with --budget smoke: 5,000.",
        rich_help_panel=EFFORT,
    ),
]
Train = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=2, help="Training points of a synthetic dataset. Default: 20,000.", rich_help_panel=EFFORT
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=1,
        help="Seconds after which a trial is stopped. Default: 300 for smoke, 900 for quick, 3,600 for the others.",
        rich_help_panel=EFFORT,
    ),
]
MaxSeeds = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Largest number of seeds of a model, with --seeds auto. Default: 20.", rich_help_panel=EFFORT
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time after which no more seeds are added, with --seeds auto: 2h, 1h30m, 45s. Default: no limit.",
        rich_help_panel=EFFORT,
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help="Metric to sort the table by. Default: the first that all models have and that sees how coordinates "
        "depend on each other.",
        autocompletion=complete("metrics"),
        rich_help_panel=TABLE,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of the run's folder. Default: made of data and budget, so that the same command resumes.",
        rich_help_panel=PLACE,
    ),
]
Results = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of all runs.", rich_help_panel=PLACE)]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Worker processes. 0: this process, without timeouts. With --dask: trials at a time. Default: enough to "
        "keep all cores busy.",
        rich_help_panel=PLACE,
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Threads of torch in a trial. More than 1 is faster only for networks on large images and on idle cores.",
        rich_help_panel=PLACE,
    ),
]
TunedFolder = Annotated[
    Path | None,
    typer.Option(
        "--tuned",
        metavar="FOLDER",
        help='Study of `genbench tune`, or folder of studies, that "cfm[tuned]" reads. Default: the folder tune in '
        "the folder of runs.",
        rich_help_panel=PLACE,
    ),
]
Why = Annotated[
    bool, typer.Option("--why", help="Say which trials would run, and why. Run nothing.", rich_help_panel=REPEAT)
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.", rich_help_panel=REPEAT)]
Again = Annotated[
    bool,
    typer.Option("--again", help="Run the requests of the run SOURCE again.", rich_help_panel=REPEAT),
]
CheckpointEvery = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Seconds of training between two checkpoints, from which a killed trial resumes. 0: no checkpoints.",
        rich_help_panel=REPEAT,
    ),
]
ProgressText = Annotated[
    str,
    typer.Option(
        metavar="FORM",
        help="Form of progress on stderr: bar, lines (one every ten seconds), json (one object a line, for programs), "
        "none. auto: a bar on a terminal, else lines.",
        rich_help_panel=WATCH,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress: --progress none.", rich_help_panel=WATCH)]
Previews = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Number of times to draw samples during training, into figures/training of the run.",
        rich_help_panel=WATCH,
    ),
]
LogTo = Annotated[
    str | None,
    typer.Option(
        metavar="tensorboard|wandb|mlflow",
        help="Log losses, previews and scores of each trial to the folder tensorboard of the run; to Weights & Biases "
        "(WANDB_MODE=offline: the folder wandb of the run); or to the server of MLFLOW_TRACKING_URI (if unset: the "
        "folder mlflow of the run). Needs: pip install 'genbench[tensorboard]', 'genbench[wandb]' or "
        "'genbench[mlflow]'.",
        rich_help_panel=WATCH,
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Run part K of N equal parts of the trials (3/10), for machines that share the folder of runs, such as an "
        "array of SLURM jobs. Each part has trials of all models, datasets and seeds.",
        rich_help_panel=CLUSTER,
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS|local",
        help="Address of the scheduler of a Dask cluster whose workers run the trials: tcp://host:8786. local: start "
        "one with --jobs workers on this machine. Needs: pip install 'genbench[cluster]'.",
        rich_help_panel=CLUSTER,
    ),
]
Resources = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=N",
        help="Resources of its worker that a trial takes, with --dask: GPU=1. Default: one thread.",
        rich_help_panel=CLUSTER,
    ),
]
Retries = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Number of times to repeat a trial whose worker was lost, with --dask. Default: 2.",
        rich_help_panel=CLUSTER,
    ),
]
