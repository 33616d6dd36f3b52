"""Reloading of trained models, from a run, a file of weights or a checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from genbench.analysis.run_data import RunData
from genbench.contracts.data_files import short_label
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, WeightsDoNotFit, nearest, shown
from genbench.core.libraries import require_library
from genbench.core.recorded_plugins import require
from genbench.core.registry import Group
from genbench.core.regular_files import Refused, open_regular
from genbench.estimator.estimator import Estimator
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.code import changed_code, named_datasets, plugins_of
from genbench.storage.records import SAMPLING, TrialSpec
from genbench.storage.store import Store
from genbench.storage.summaries import Summaries
from genbench.tasks.steps import fitted
from genbench.training.checkpoint import SUFFIX, Saved, read_checkpoint

__all__ = [
    "CannotReload",
    "Trained",
    "find",
    "plugins_of_trial",
    "read",
    "recorded_plugins",
    "reload",
    "require_plugins",
]

LARGEST = 2**31  # bytes of a checkpoint; by hand: of a model of 100 million parameters, with averages and moments
OUTSIDE = "its samples came from outside, and there is no model to draw from"
HEADER = 2**24  # bytes of what it says of itself; by hand: a hundred times what ours say


class CannotReload(GenbenchError):
    """The reason why a trial cannot be reloaded unchanged.

    `reason` is the text alone; the message also names the trial.
    """

    def __init__(self, spec: TrialSpec, reason: str) -> None:
        super().__init__(f"{spec.model} on {spec.dataset}, seed {spec.seed}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Trained:
    """A trained model, or a model during its training run.

    Attributes:
        spec: the spec of its trial.
        weights: tensors by name; {} for a model that keeps none and is fitted again.
        source: where the weights come from, as text.
    """

    spec: TrialSpec
    weights: Mapping[str, Any]
    source: str


def find(run: RunData, model: str | None = None, data: str | None = None, seed: int | None = None) -> Trained:
    """Return a model of a run.

    For an unfinished trial, its newest checkpoint is used.

    Args:
        model, data: their names in the run's table; not needed if there is only one.
        seed: the seed of the trial; the first that did not fail unless given.

    Raises:
        GenbenchError: there is no such trial, it failed, or there are several.
    """
    finished = {trial.key: trial for trial in run.trials}
    begun = {key: spec for key, files in run.store.checkpoints().items() if (spec := _spec_in(files[0]))}
    specs = begun | {key: t.spec for key, t in finished.items()}
    if specs and all(spec.task not in SAMPLING for spec in specs.values()):
        task = next(iter(specs.values())).task
        raise GenbenchError(
            f"no trial of {run.path} has a model to sample from: its task is {task}; run --task generate"
        )
    specs = {key: spec for key, spec in specs.items() if spec.task in SAMPLING}
    specs = _chosen(specs, "data", data, lambda spec: (spec.dataset, spec.dataset_name))
    models = {key: spec for key, spec in specs.items() if key not in finished or finished[key].role == "model"}
    specs = _chosen(models if model is None and models else specs, "model", model, lambda s: (s.model, s.model_name))
    if seed is not None:
        seeds = ", ".join(str(spec.seed) for spec in specs.values())
        specs = {key: spec for key, spec in specs.items() if spec.seed == seed}
        if not specs:
            raise GenbenchError(f"no trial with seed {seed} of that model and data in {run.path}; there is {seeds}")
    key = min(specs, key=lambda key: (key not in finished or finished[key].status != "ok", specs[key].seed))
    if key not in finished:
        return _of(_checkpoint(run.store.checkpoints()[key][0]))
    if specs[key].outside:
        raise CannotReload(specs[key], OUTSIDE)
    if error := finished[key].error:
        raise CannotReload(
            specs[key], f"it failed ({error.message}), so it has no model to sample from; choose another trial"
        )
    return Trained(specs[key], run.store.weights(key), "trained")


def read(file: Path) -> Trained:
    """Return the model of a file: a checkpoint, or weights with the trial's record beside.

    Raises:
        GenbenchError: the file is neither, or is damaged.
    """
    if not file.is_file():
        raise GenbenchError(f"there is no file {file}; RUN/trials holds the weights and checkpoints of a run")
    if file.name.endswith(SUFFIX):
        return _of(_checkpoint(file))
    record = file.with_suffix(".json")
    if file.suffix != ".safetensors" or not record.is_file():
        raise GenbenchError(f"{file} is no checkpoint, and no {record.name} beside it says which model it is of")
    store = Store.around(file)
    return Trained(store.read(file.stem).spec, store.weights(file.stem), "trained")


def recorded_plugins(store: Store) -> list[str]:
    """Return the plugins that the finished trials of a folder name.

    Unreadable trials are left out.
    """
    found: dict[str, None] = {}
    finished = Summaries(store)
    for key in store.finished():
        with contextlib.suppress(GenbenchError):
            found |= dict.fromkeys(finished[key].plugins)
    return list(found)


def require_plugins(spec: TrialSpec, metrics: bool = False) -> None:
    """Import the plugins that a spec names, as far as that is allowed.

    Args:
        metrics: whether its metrics are needed, too.

    Raises:
        NeedsPlugin: its model or its data need code that may not be imported; the message says what to type.
        GenbenchError: no plugin has such a name.
    """
    wanted: list[tuple[Group[Any], str]] = [] if spec.outside else [(MODELS, spec.model_name)]
    wanted += [(DATASETS, spec.dataset_name), *((METRICS, name) for name in spec.metrics if metrics)]
    require(spec.plugins, *wanted)


def plugins_of_trial(spec: TrialSpec) -> tuple[str, ...]:
    """Return the imported plugins that registered a trial's model, data and metrics."""
    cards: list[Card] = [] if spec.outside else [MODELS[spec.model_name]]
    cards += [DATASETS[spec.dataset_name], *named_datasets(spec.params)]
    return plugins_of(*cards, *(METRICS.cards[name] for name in spec.metrics if name in METRICS.cards))


def reload(
    trained: Trained, settings: Mapping[str, Any] = {}, device: str = "cpu", trial: ResolvedTrial | None = None
) -> Estimator:
    """Return the trained model, ready to draw, with other settings of its sampler.

    A model that keeps no weights is fitted again, which takes seconds.

    Args:
        settings: values of its parameters by name.
        trial: the plugins and the data of its spec, if they are loaded already.

    Raises:
        CannotReload: the code or data of the model changed since training, or its weights are not stored.
        GenbenchError: a setting is unknown, is refused, or would change the weights; or the model's library is missing.
    """
    spec = trained.spec
    if spec.outside:
        raise CannotReload(spec, OUTSIDE)
    require_plugins(spec)
    card = MODELS[spec.model_name]
    require_library(card)
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
            raise GenbenchError(f"{name} is a setting of the training of {card.name}, which is over; leave it out")
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
        try:
            restored()
        except WeightsDoNotFit as error:
            where = f"trials/{spec.key}.safetensors"
            raise CannotReload(
                spec, f"the weights in {where} are not of this model ({shown(str(error), 200)})"
            ) from None
        words = f"{', '.join(settings)} would change the weights of {spec.model}; set what its sampler takes"
        raise GenbenchError(words) from None


def _checkpoint(file: Path) -> Saved:
    """Return what a checkpoint holds.

    Raises:
        GenbenchError: it is damaged, or larger than any checkpoint.
    """
    try:
        with open_regular(file, most=LARGEST):
            return read_checkpoint(file)
    except Refused as error:
        raise GenbenchError(f"{file} {error}") from None


def _spec_in(file: Path) -> TrialSpec | None:
    """Return the spec that a checkpoint is of, from its header alone; None where that cannot be read."""
    try:
        with open_regular(file, most=LARGEST) as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = from_json(opened.read(length)) if length < HEADER else {}
        return TrialSpec(**from_json(header["__metadata__"]["facts"])["about"]["spec"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
