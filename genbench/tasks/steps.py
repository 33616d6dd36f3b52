"""The steps that tasks are made of: load, fit, sample and score."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from genbench.contracts.dataset import DATASETS, Dataset, Sizes, Splits
from genbench.contracts.model import MODELS
from genbench.core.parameters import create
from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.evaluation import model_outputs
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import Cost, TrialSpec
from genbench.tasks.base import Outcome
from genbench.tasks.execution import Conditions
from genbench.tasks.previews import previews
from genbench.training.trainer import Snapshots

__all__ = ["Loaded", "Stage", "finish", "fit", "load", "load_data"]

Stage = Callable[[str], None]


class Loaded(NamedTuple):
    """What a trial starts from: the data of its seed, and a model that is not fitted yet."""

    dataset: Dataset
    splits: Splits
    estimator: Estimator


def load(spec: TrialSpec, conditions: Conditions = Conditions()) -> Loaded:
    """Return the data and the model of a spec."""
    dataset, splits = load_data(spec)
    card = MODELS[spec.model_name]
    return Loaded(dataset, splits, Estimator(card, spec.params, conditions.device))


def load_data(spec: TrialSpec) -> tuple[Dataset, Splits]:
    """Return the dataset of a spec, and its splits for the spec's seed."""
    dataset: Dataset = create(DATASETS[spec.dataset_name], spec.dataset_params)
    return dataset, dataset.splits(stream(spec.seed, "data"), Sizes(spec.protocol.train))


def fit(
    spec: TrialSpec,
    loaded: Loaded,
    conditions: Conditions = Conditions(),
    snapshots: Snapshots | None = None,
    seed: int | None = None,
    training: int = 0,
) -> float:
    """Fit the model, or show the oracle the truth, and return the wall seconds, also those before a kill.

    Args:
        seed: of the training; the spec's unless given.
        training: which one of the trial's trainings it is, where the trial has several.
    """
    dataset, splits, estimator = loaded
    log = conditions.log_of(spec, training)
    if snapshots is None and conditions.previews and conditions.folder:
        folder = conditions.folder.parent / "figures" / "training"
        snapshots = previews(spec, dataset, folder, conditions.previews, log)
    if log:
        snapshots = replace(snapshots or Snapshots((), lambda *_: None), note=log.row)
    begin = time.perf_counter()
    with closing(log) if log else nullcontext():
        if estimator.card.role == "oracle":
            estimator.reveal(dataset, splits)
        else:
            estimator.fit(
                splits.train,
                splits.validation,
                labels=splits.train_labels,
                validation_labels=splits.validation_labels,
                **dataset.traits,
                seed=spec.seed if seed is None else seed,
                budget=spec.budget,
                progress=conditions.progress,
                snapshots=snapshots,
                redraw=partial(dataset.redraw, stream(spec.seed, "data")),
                checkpoint=conditions.checkpoint(spec, training),
            )
    return time.perf_counter() - begin + estimator.history.earlier


def finish(spec: TrialSpec, loaded: Loaded, stage: Stage, train_seconds: float, **extras: Any) -> Outcome:
    """Sample and score a fitted model by the whole protocol; `extras` are further fields of the outcome."""
    dataset, splits, estimator = loaded
    protocol = spec.protocol
    stage("sample")
    begin = time.perf_counter()
    samples = model_outputs.draw(estimator, dataset, splits, protocol, spec.seed)
    sampled = time.perf_counter()

    stage("log_prob")
    shown = model_outputs.densities(estimator, samples, splits, protocol, spec.seed)
    diagnostics = estimator.diagnose(splits.test, seed=spec.seed)
    judged = time.perf_counter()

    stage("score")
    oracle = estimator.card.role == "oracle"
    parts = (
        model_outputs.floor(spec, estimator, dataset, splits, shown)
        if oracle
        else [model_outputs.score(spec, dataset, splits, shown)]
    )
    cost = Cost(
        train_seconds=train_seconds,
        steps=estimator.history.steps or None,
        sample_seconds=sampled - begin,
        samples_per_second=len(samples) / (sampled - begin),
        log_prob_seconds=judged - sampled if shown.test_log_prob is not None else None,
        score_seconds=time.perf_counter() - judged,
        parameters=estimator.parameters,
        nfe=estimator.nfe,
    )
    found: dict[str, Any] = {
        **vars(Evaluation.mean(parts)),
        "diagnostics": diagnostics,
        "likelihood": shown.likelihood,
        "history": estimator.history.rows,
        "arrays": shown.arrays,
        "weights": estimator.weights(),
        "cost": cost,
    }
    return Outcome(**found | extras)
