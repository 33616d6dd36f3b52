"""`genbench sample`: samples of a trained model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.options import DataDir, Device, Plugins, read_plugins, say
from genbench.core.errors import GenbenchError, shown
from genbench.core.selection import parse

if TYPE_CHECKING:
    from genbench.core.types import Array, Labels
    from genbench.evaluation.resolved_trial import ResolvedTrial
    from genbench.runs.reload import Trained
    from genbench.storage.records import TrialSpec

__all__ = ["sample"]

DIGITS = 9  # of the number of a class, so that it is one of 32 bits


RunOrNone = Annotated[
    Path | None, typer.Argument(metavar="RUN", help="Folder of a run, such as results/mnist-standard.")
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Checkpoint instead of RUN: a .safetensors file of RUN/trials with its .json beside it.",
    ),
]
ModelName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Model, as the table calls it. Default: the only one of the run.")
]
DataName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Dataset, as the table calls it. Default: the only one of the run.")
]
TrialSeed = Annotated[
    int | None,
    typer.Option(metavar="N", help="Seed of the trained model. Default: the first of the run that did not fail."),
]
NumSamples = Annotated[int, typer.Option("--num-samples", "-n", metavar="N", min=1, help="Number of samples.")]
Label = Annotated[
    str | None,
    typer.Option(
        metavar="LABEL|LIST",
        help="Class of all samples (3), or classes in turn (0,1,2), for a conditional model. Default: classes as "
        "frequent as in training.",
    ),
]
Steps = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Number of solver steps; the same as --set steps=N.")
]
Solver = Annotated[
    str | None, typer.Option(metavar="NAME", help="Solver, such as midpoint; the same as --set solver=NAME.")
]
Set = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Parameter to change, if the weights do not depend on it. Repeat the option for more.",
    ),
]
Grid = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File (.png or .jpg) for all samples in one figure; points are drawn as a scatter plot."
    ),
]
Individual = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder for a .png file of each image, pixel by pixel.")
]
Npz = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File (.npz) for the arrays `samples` [n, *shape] and `labels` [n].")
]


def sample(
    run: RunOrNone = None,
    checkpoint: CheckpointFile = None,
    model: ModelName = None,
    data: DataName = None,
    trial_seed: TrialSeed = None,
    num_samples: NumSamples = 64,
    label: Label = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Seed of the samples: the same seed gives the same samples.")
    ] = 0,
    steps: Steps = None,
    solver: Solver = None,
    set_: Set = [],  # noqa: B006
    grid: Grid = None,
    individual: Individual = None,
    npz: Npz = None,
    device: Device = "cpu",
    data_dir: DataDir = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Draw samples from a trained model of a run.

    Nothing is trained. The settings of the sampler can be changed; a parameter that the weights depend on, such as a
    width, cannot. For a trial that still trains, the newest checkpoint is used. The samples are written as images or
    arrays.

      genbench sample results/moons-quick --model cfm -n 5000 --grid cfm.png
      genbench sample results/mnist-quick --model cfm --steps 100 --solver midpoint --grid grid.png
      genbench sample results/mnist-quick --model "cfm[conditional=true]" --label 3 --individual threes
      genbench sample --checkpoint results/mnist-quick/trials/NAME.checkpoint.safetensors --npz now.npz
    """
    from genbench.core.downloads import use_data_dir
    from genbench.plotting import sample_files

    if (run is None) == (checkpoint is None):
        raise GenbenchError("sample needs the folder of a run or --checkpoint FILE; give one of them")
    if grid is None and individual is None and npz is None:
        raise GenbenchError("there is nothing to write; add --grid FILE.png, --individual DIR or --npz FILE")
    settings = _settings(set_, steps=steps, solver=solver)
    wanted = None if label is None else _labels(label, num_samples)
    with use_data_dir(data_dir):
        trial, trained = _find(run, checkpoint, model, data, trial_seed, read_plugins(plugin))
        sample_files.check(grid, individual, trial.dataset)
        samples, labels = _draw(trial, trained, settings, wanted, num_samples, seed, device)
    if grid is not None:
        sample_files.write_grid(grid, samples, labels, trial.dataset)
        typer.echo(str(grid))
    if individual is not None:
        files = sample_files.write_images(individual, samples, labels, trial.dataset)
        typer.echo(f"{individual}: {files[0].name} to {files[-1].name}")
    if npz is not None:
        sample_files.write_arrays(npz, samples, labels, trial.dataset)
        typer.echo(str(npz))


def _find(
    run: Path | None, checkpoint: Path | None, model: str | None, data: str | None, seed: int | None, plugins: list[str]
) -> tuple[ResolvedTrial, Trained]:
    """Return the trained model that is asked for, and what its trial is made of."""
    from genbench.analysis.run_data import RunData
    from genbench.core.registry import discover
    from genbench.evaluation.resolved_trial import ResolvedTrial
    from genbench.runs.reload import find, read, require_plugins

    discover(tuple(plugins))
    if checkpoint is None:
        opened = RunData(str(run))
        trained = find(opened, model, data, seed)
        for problem in opened.problems:
            say(problem)
    else:
        trained = read(checkpoint)
        _agree(trained.spec, model, data)
    require_plugins(trained.spec)
    return ResolvedTrial.of(trained.spec), trained


def _draw(
    trial: ResolvedTrial,
    trained: Trained,
    settings: dict[str, object],
    wanted: list[int] | None,
    n: int,
    seed: int,
    device: str,
) -> tuple[Array, Labels | None]:
    """Return n samples and their labels, if there are any, and say how long that took."""
    from genbench.core.hardware import choose_device
    from genbench.runs.reload import reload

    estimator = reload(trained, settings, choose_device(device), trial)
    labels = estimator.labels(wanted, n, seed)
    begin = time.perf_counter()
    samples = estimator.sample(n, seed, labels)
    seconds = time.perf_counter() - begin
    spec = trained.spec
    say(f"{spec.model} on {spec.dataset}, seed {spec.seed} ({trained.source}): {n:,} samples in {seconds:.1f} s")
    return samples, labels


def _settings(given: list[str], **short: object) -> dict[str, object]:
    """Return the settings of --set, and those that have an option of their own."""
    settings: dict[str, object] = {}
    for text in given:
        if "=" not in text:
            raise GenbenchError(f"cannot read --set {shown(text)}; write --set name=value")
        settings |= parse(f"model[{text}]").params
    for name, value in short.items():
        if value is not None and settings.setdefault(name, value) != value:
            raise GenbenchError(f"--set {name}={settings[name]} and --{name} {value} do not agree; leave one out")
    return settings


def _labels(text: str, n: int) -> list[int]:
    """Return n labels: those of a list in turn."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= DIGITS for part in parts):
        raise GenbenchError(f"label '{shown(text)}' is neither a class (3) nor a list of classes (0,1,2)")
    chosen = list(map(int, parts))
    return [chosen[i % len(chosen)] for i in range(n)]


def _agree(spec: TrialSpec, model: str | None, data: str | None) -> None:
    """Refuse a checkpoint that is not of the model and data that were named."""
    from genbench.contracts.data_files import short_label

    for what, asked, label, name in (
        ("model", model, spec.model, spec.model_name),
        ("data", data, spec.dataset, spec.dataset_name),
    ):
        if asked is not None and short_label(asked) not in (label, name):
            raise GenbenchError(f"the checkpoint is of {what} {label}, not {asked}; leave --{what} out")
