"""Trained models brought back: out of a run, or out of a file of weights or a checkpoint alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genbench.analysis.run_data import RunData
from genbench.contracts.data_files import short_label
from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError, WeightsDoNotFit, nearest
from genbench.core.registry import discover
from genbench.estimator.estimator import Estimator
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.code import changed_code
from genbench.storage.records import SAMPLING, TrialSpec
from genbench.storage.store import Store
from genbench.tasks.steps import fitted
from genbench.training.checkpoint import SUFFIX, Saved, read_checkpoint

__all__ = ["CannotReload", "Trained", "discover_plugins", "find", "read", "reload"]


class CannotReload(GenbenchError):
    """Why a trial cannot be brought back as it was; `reason` alone, and with the trial in the message."""

    def __init__(self, spec: TrialSpec, reason: str) -> None:
        super().__init__(f"{spec.model} on {spec.dataset}, seed {spec.seed}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Trained:
    """A model as it was trained, or is being trained.

    Attributes:
        spec: of its trial.
        weights: tensors by name; empty for a model that keeps none, and is fitted again.
        source: what they are, in words.
    """

    spec: TrialSpec
    weights: Mapping[str, Any]
    source: str


def find(run: RunData, model: str | None = None, data: str | None = None, seed: int | None = None) -> Trained:
    """Return a model of a run; of a trial that is not finished, as its newest checkpoint has it.

    Args:
        model, data: as the run's table names them; a single one need not be named.
        seed: of the trial; the first that did not fail unless given.

    Raises:
        GenbenchError: there is no such trial, it failed, or several are meant.
    """
    finished = {trial.key: trial for trial in run.trials}
    begun = {key: _of(read_checkpoint(files[0])) for key, files in run.store.checkpoints().items()}
    specs = {key: trained.spec for key, trained in begun.items()} | {key: t.spec for key, t in finished.items()}
    discover_plugins(*specs.values())
    if specs and all(spec.task not in SAMPLING for spec in specs.values()):
        task = next(iter(specs.values())).task
        raise GenbenchError(f"no trial of {run.path} can be drawn from: its task is {task}; run --task generate")
    specs = {key: spec for key, spec in specs.items() if spec.task in SAMPLING}
    specs = _chosen(specs, "data", data, lambda spec: (spec.dataset, spec.dataset_name))
    models = {key: spec for key, spec in specs.items() if MODELS[spec.model_name].role == "model"}
    specs = _chosen(models if model is None and models else specs, "model", model, lambda s: (s.model, s.model_name))
    if seed is not None:
        seeds = ", ".join(str(spec.seed) for spec in specs.values())
        specs = {key: spec for key, spec in specs.items() if spec.seed == seed}
        if not specs:
            raise GenbenchError(f"no trial with seed {seed} of that model and data in {run.path}; there is {seeds}")
    key = min(specs, key=lambda key: (key not in finished or finished[key].status != "ok", specs[key].seed))
    if key not in finished:
        return begun[key]
    if error := finished[key].error:
        raise CannotReload(specs[key], f"it failed ({error.message}) and cannot be drawn from; choose another trial")
    return Trained(specs[key], run.store.weights(key), "trained")


def read(file: Path) -> Trained:
    """Return the model of a file: a checkpoint, or a trial's weights with its record beside them.

    Raises:
        GenbenchError: the file is neither, or is damaged.
    """
    if not file.is_file():
        raise GenbenchError(f"there is no file {file}; RUN/trials holds the weights and checkpoints of a run")
    if file.name.endswith(SUFFIX):
        return _of(read_checkpoint(file))
    record = file.with_suffix(".json")
    if file.suffix != ".safetensors" or not record.is_file():
        raise GenbenchError(f"{file} is no checkpoint, and no {record.name} beside it says which model it is of")
    store = Store.around(file)
    return Trained(store.read(file.stem).spec, store.weights(file.stem), "trained")


def discover_plugins(*specs: TrialSpec) -> None:
    """Import the plugins that specs name, as far as their files are still there."""
    names = dict.fromkeys(name for spec in specs for name in spec.plugins)
    discover(tuple(name for name in names if not name.endswith(".py") or Path(name).exists()))


def reload(
    trained: Trained, settings: Mapping[str, Any] = {}, device: str = "cpu", trial: ResolvedTrial | None = None
) -> Estimator:
    """Return the model as it was trained, ready to draw, with other settings of its sampler.

    A model that keeps no weights is fitted again, which takes seconds.

    Args:
        settings: values of its parameters by name.
        trial: what its spec stands for, where that is known already.

    Raises:
        CannotReload: the code or data of the model are not those that it was trained with, or its weights are not
            stored.
        GenbenchError: a setting is unknown, is refused, or would change the weights.
    """
    spec, card = trained.spec, MODELS[trained.spec.model_name]
    if not card.is_torch:
        if settings:
            raise GenbenchError(f"{spec.model} keeps no weights, so {', '.join(settings)} cannot be set without a fit")
        return fitted(trial or ResolvedTrial.of(spec), device)
    if not trained.weights:
        raise CannotReload(spec, "its weights are not stored")
    if changed := changed_code(spec, model=card, dataset=DATASETS[spec.dataset_name]):
        raise CannotReload(spec, f"code of {', '.join(changed)} changed since it was trained; train it again")
    for name in settings:
        if name not in card.signature and name in vars(card.factory.recipe):
            raise GenbenchError(f"{name} is of the training of {card.name}, not of its samples; leave it out")
    trial = trial or ResolvedTrial.of(spec)
    if trial.dataset.fingerprint() != spec.data_fingerprint:
        raise CannotReload(spec, "the files of its data are not those that it was trained with")

    def restored(**more: Any) -> Estimator:
        traits, splits = trial.dataset.traits, trial.splits
        return trial.estimator(device, **more).restore(
            trained.weights, splits.train, labels=splits.train_labels, **traits
        )

    try:
        return restored(**settings)
    except WeightsDoNotFit:
        restored()  # if this does not do either, it says why
        words = f"{', '.join(settings)} would change the weights of {spec.model}; set what its sampler takes"
        raise GenbenchError(words) from None


def _of(saved: Saved) -> Trained:
    """Return what a checkpoint holds: the averaged weights at its step; the best ones may be a twentieth older."""
    try:
        spec = TrialSpec(**saved.about["spec"])
    except (KeyError, TypeError, ValidationError):
        raise GenbenchError(f"the checkpoint of {saved.identity} does not say which trial it is of") from None
    return Trained(spec, saved.state["average"]["weights"], f"in training, step {saved.state['history']['steps']:,}")


def _chosen(
    specs: Mapping[str, TrialSpec], what: str, asked: str | None, names: Callable[[TrialSpec], tuple[str, str]]
) -> dict[str, TrialSpec]:
    """Return the specs with the label that is asked for, or else with the name, if only one label has that."""
    labels = dict(map(names, specs.values()))
    if asked is None:
        fitting = list(labels)
    else:
        wanted = short_label(asked)
        fitting = [wanted] if wanted in labels else [label for label, name in labels.items() if name == wanted]
        if not fitting:
            raise GenbenchError(f"no {what} '{asked}' in this run{nearest(asked, list(labels))}")
    if not fitting:
        raise GenbenchError("this run has no trial that is finished or has a checkpoint; run it first")
    if len(fitting) > 1:
        raise GenbenchError(f"which {what}? there are {', '.join(fitting)}; name one with --{what}")
    return {key: spec for key, spec in specs.items() if names(spec)[0] == fitting[0]}
