"""Samples from other software, scored like those of a model: a row beside its oracle."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from genbench.contracts.data_files import DataSelection, reopened
from genbench.contracts.dataset import DATASETS, Sizes
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS, Model, ModelCard
from genbench.core.environment import commit
from genbench.core.errors import GenbenchError, collected_warnings
from genbench.core.exception_text import message_of, plain
from genbench.core.interrupts import must_stop
from genbench.core.registry import discover
from genbench.core.seeding import stream
from genbench.core.selection import Selection
from genbench.evaluation.model_outputs import ModelOutputs, score
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.code import SCORING, plugins_of
from genbench.runs.density_points import unrelated_density
from genbench.runs.fence import Fence
from genbench.runs.parallel import perform_each
from genbench.runs.plan import make_plan
from genbench.runs.reload import CannotReload
from genbench.runs.trial_environment import trial_environment
from genbench.storage.evaluation import Flag
from genbench.storage.outside import BUDGET, SAMPLES, Outside
from genbench.storage.provenance import Provenance
from genbench.storage.records import FILE, Cost, TrialRecord, TrialSpec
from genbench.storage.store import Store

__all__ = [
    "FLAG",
    "GivenRow",
    "Prepared",
    "oracle_name",
    "outside_spec",
    "rescored",
    "resolved",
    "samples_digest",
    "score_prepared",
    "scored_again",
    "todays_outside",
]

FLAG = "made outside of genbench: its training points, its seconds and its code are unknown"
PARTS = "intervals hold the spread of samples and test points, and none of training runs"


@dataclass(frozen=True)
class GivenRow:
    """The name of the row of samples from outside, and the kind of its log-densities."""

    name: str
    family: str = "outside"
    likelihood: str = "exact"


@dataclass(frozen=True)
class Prepared:
    """One set of samples with the spec of its trial, checked."""

    spec: TrialSpec
    outputs: ModelOutputs
    about: Outside


def oracle_name() -> str:
    """Return the name of the oracle, the model that is the truth itself."""
    discover(groups=("models",))
    return next(card.name for card in MODELS.cards.values() if card.role == "oracle")


def outside_spec(planned: TrialSpec, name: str, digest: str) -> TrialSpec:
    """Return the spec of samples from outside.

    Args:
        planned: the spec of the oracle on the same data, with the same metrics and protocol.
        name: the name of the row.
        digest: the digest of the samples and log-densities, from `samples_digest`.
    """
    kept = {part: one for part, one in planned.sources.items() if part.startswith((*SCORING, "dataset", FILE))}
    cards = [DATASETS[planned.dataset_name], *(METRICS[metric] for metric in planned.metrics)]
    return planned.model_copy(
        update={
            "model": name,
            "model_name": name,
            "params": {},
            "budget": BUDGET,
            "sources": kept | {SAMPLES: digest},
            "plugins": plugins_of(*cards),
            "steps": None,
        }
    )


def samples_digest(outputs: ModelOutputs) -> str:
    """Return a digest of samples and log-densities, for any type in which they are stored."""
    found = sha256(outputs.likelihood.encode())
    for name, array in sorted(outputs.arrays.items()):
        values = np.ascontiguousarray(array, dtype=np.float64)
        found.update(f" {name} {values.shape} ".encode())
        found.update(values.tobytes())
    return found.hexdigest()[:32]


def resolved(spec: TrialSpec, likelihood: str = "none", family: str = "outside") -> ResolvedTrial:
    """Return the data of a spec of samples from outside.

    A card of these samples takes the place of a model's card.

    Raises:
        GenbenchError: the data cannot be read.
    """
    dataset = reopened(spec.dataset, spec.dataset_name, spec.dataset_params, spec.data_fingerprint)
    splits = dataset.splits(stream(spec.seed, "data"), Sizes(spec.protocol.train))
    card = ModelCard(spec.model, family, Model, likelihood=likelihood, plugin="", line=0)
    return ResolvedTrial(spec, card, dataset, splits)


def score_prepared(
    store: Store, prepared: Sequence[Prepared], row: GivenRow, jobs: int | None, progress: bool
) -> list[TrialRecord]:
    """Score sets of samples, and write their records. Sets that are scored already are kept.

    Raises:
        GenbenchError: a set cannot be scored, a metric fails, or the store cannot be written.
    """
    todo = [one for one in prepared if not store.has(one.spec.key)]
    alone = not all(card.portable for one in todo for card in _cards(one.spec))
    asked = [(str(store.path), one, row) for one in todo]
    perform_each(_perform, asked, 0 if alone else jobs, "scoring", progress)
    return [store.read(one.spec.key) for one in prepared]


def todays_outside(old: TrialSpec) -> TrialSpec:
    """Return the spec that would score the same stored samples with today's code.

    Raises:
        GenbenchError: its data or a metric are not available any more.
    """
    data = [DataSelection(Selection(old.dataset_name, old.dataset_params))]
    plan = make_plan(oracle_name(), data, [old.seed], "quick", ",".join(old.metrics), old.task, old.protocol)
    found = outside_spec(plan.trials[0], old.model, old.sources[SAMPLES])
    return found.model_copy(update={"dataset": old.dataset})


def scored_again(store: Store, old: TrialRecord, spec: TrialSpec) -> TrialRecord:
    """Return the record of a trial from outside with new scores of its stored samples.

    Nothing is written.

    Args:
        store: the store with its samples.
        spec: the spec from `todays_outside`.

    Raises:
        GenbenchError: its samples are not stored, or do not belong to its key.
    """
    return _scored(store, spec, _stored(store, old), _row_of(old), old.outside or Outside())


def rescored(store: Store, old: TrialRecord, planned: TrialSpec) -> TrialSpec:
    """Score the stored samples of a trial again, write the record, and return its spec.

    Args:
        planned: the spec of the oracle, with the metrics and the protocol that are asked for.

    Raises:
        CannotReload: more samples are asked for than were given.
        GenbenchError: its samples are not stored, or do not belong to its key.
    """
    outputs = _stored(store, old).first(planned.protocol)
    spec = outside_spec(planned, old.model, samples_digest(outputs))
    if len(outputs.samples) < (needed := resolved(spec).sample_size):
        given = len(outputs.samples)
        raise CannotReload(old.spec, f"{given:,} samples were given from outside, and {needed:,} are asked for")
    if not store.has(spec.key):
        store.write(_scored(store, spec, outputs, _row_of(old), old.outside or Outside()), outputs.arrays)
    return spec


def _row_of(old: TrialRecord) -> GivenRow:
    return GivenRow(old.model, old.family, old.likelihood)


def _stored(store: Store, old: TrialRecord) -> ModelOutputs:
    """Return the stored samples of a trial from outside, with their log-densities, if they are those of its key.

    Raises:
        GenbenchError: they are not stored, or are others.
    """
    arrays = store.arrays(old.key)
    if "samples" not in arrays:
        raise CannotReload(old.spec, "its samples came from outside and are not stored here")
    outputs = ModelOutputs.of(arrays, old.likelihood)
    if samples_digest(outputs) != old.spec.sources[SAMPLES]:
        raise CannotReload(old.spec, "the samples beside its record are not those that its key names")
    return outputs


def _cards(spec: TrialSpec) -> list[Any]:
    return [DATASETS[spec.dataset_name], *(METRICS[name] for name in spec.metrics)]


def _perform(path: str, one: Prepared, row: GivenRow) -> None:
    """Score one set of samples and write its record, in a process of its own or in this one."""
    store = Store(path)
    discover(one.spec.plugins)
    record = _scored(store, one.spec, one.outputs, row, one.about)
    try:
        store.write(record, one.outputs.arrays)
    except OSError as error:
        raise GenbenchError(f"cannot write to {path}: {error.strerror or error}; choose another --run") from None


def _scored(store: Store, spec: TrialSpec, outputs: ModelOutputs, row: GivenRow, about: Outside) -> TrialRecord:
    """Return the record of one set of samples."""
    fence, begin = Fence(spec, store.path), time.perf_counter()
    try:
        with collected_warnings() as cautions, fence.around():
            fence.begin("load")
            trial = resolved(spec, outputs.likelihood, row.family)
            fence.begin("score")
            evaluation = score(trial, outputs)
            known = outputs.test_log_prob
            warning = "" if known is None else unrelated_density(trial, known)
            files = fence.files()
    except GenbenchError:
        raise
    except BaseException as error:  # a plugin's dataset or metric may raise anything
        if must_stop(error):
            raise
        where = f"{spec.model} on {spec.dataset}, seed {spec.seed}"
        raise GenbenchError(f"{where} cannot be scored: {type(error).__name__}: {message_of(error)}") from None
    parts = [f"a part of one set of samples for each seed ({about.part}): {PARTS}"] if about.part else []
    said = [FLAG, *parts, *([warning] if warning else []), *cautions]
    evaluation.flags = [*(Flag(text=plain(text)) for text in said), *evaluation.flags]
    return TrialRecord(
        **vars(evaluation),
        key=spec.key,
        model=spec.model,
        dataset=spec.dataset,
        seed=spec.seed,
        params={},
        budget=spec.budget,
        status="ok",
        family=row.family,
        role="model",
        likelihood=outputs.likelihood,
        cost=Cost(score_seconds=time.perf_counter() - begin),
        spec=spec,
        provenance=Provenance(files=files, scored=trial_environment(commit=commit() or "")),
        outside=about,
    )
