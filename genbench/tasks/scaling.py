"""The task `scaling`: as `generate`, with further dimensions and numbers of points.

The model is trained again for each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from genbench.contracts.dataset import Dataset, Sizes, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.parameters import create
from genbench.core.seeding import stream
from genbench.evaluation.model_outputs import score, with_densities
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.evaluation import Flag
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import fit, sample_and_score

__all__ = ["Scaling"]

DIMS = tuple(2**k for k in range(1, 9))  # 2 … 256
TRAIN = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)  # by hand: two a decade
CHEAP = ("sliced_w2", "kl")  # of the trial's metrics
SAMPLES, TEST = 10_000, 2_000  # of each size, by hand: scoring takes less than training


class _Size(NamedTuple):
    """A size of the problem: the dataset, and how many points are trained on."""

    dataset: SyntheticDataset
    train: int


class Scaling(Task):
    """Train and score the model in each dimension and with each number of training points."""

    def check_data(self, dataset: Dataset) -> None:
        if not isinstance(dataset, SyntheticDataset):
            raise GenbenchError(
                f"{dataset.card.name} has fixed numbers of points and coordinates; choose synthetic data for --task "
                "scaling"
            )

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial; `scaling` has a row for each further size.

        The result is otherwise that of `generate`. A row has the dimension, the number of training points, the seconds
        for training and for 10,000 samples, sliced W2 and KL. The budget is the same for all sizes; a size at which the
        model fails has a flag instead of a row.
        """
        stage("fit")
        estimator = trial.estimator(options.device)
        result = sample_and_score(trial, estimator, stage, fit(trial, estimator, options))
        for k, size in enumerate(_sizes(trial), start=1):
            try:
                result.scaling.append(_row(_resized(trial, size), stage, options, k))
            except (GenbenchError, ArithmeticError, MemoryError, RuntimeError) as error:
                where = f"{math.prod(size.dataset.shape)} dimensions, {size.train:,} training points"
                result.flags.append(Flag(text=f"no scores at {where}: {error}".partition("\n")[0]))
        return result


def _sizes(trial: ResolvedTrial) -> list[_Size]:
    """Return the dimensions with the trial's own number of training points, and numbers in its own dimension."""
    assert isinstance(trial.dataset, SyntheticDataset)
    params = trial.spec.dataset_params
    others = [other for d in DIMS if (other := _of_dimension(trial.dataset, params, d)) is not None]
    return [*(_Size(other, trial.protocol.train) for other in others), *(_Size(trial.dataset, n) for n in TRAIN)]


def _of_dimension(dataset: SyntheticDataset, params: Mapping[str, Any], d: int) -> SyntheticDataset | None:
    """Return a dataset of these parameters with d coordinates instead of its own; None where there is none."""
    dial = dataset.grows_with
    if dial not in params:
        return None
    value = round(params[dial] * d / math.prod(dataset.shape))
    try:
        other: SyntheticDataset = create(dataset.card, {**params, dial: value})
    except GenbenchError:  # beyond what the parameter may be
        return None
    return other if math.prod(other.shape) == d else None


def _resized(trial: ResolvedTrial, size: _Size) -> ResolvedTrial:
    """Return the trial at another size, scored by the cheap ones of its metrics."""
    metrics = tuple(name for name in trial.spec.metrics if name in CHEAP) or trial.spec.metrics[:1]
    protocol = replace(trial.protocol, samples=min(trial.protocol.samples, SAMPLES), densities=1, train=size.train)
    spec = trial.spec.model_copy(update={"metrics": metrics, "protocol": protocol})
    splits = size.dataset.splits(stream(spec.seed, "data"), Sizes(size.train, test=TEST))
    return replace(trial, spec=spec, dataset=size.dataset, splits=splits)


def _row(trial: ResolvedTrial, stage: Stage, options: ExecutionOptions, training: int) -> dict[str, float]:
    estimator, seed = trial.estimator(options.device), trial.spec.seed
    stage("fit")
    seconds = fit(trial, estimator, options, training=training)
    stage("sample")
    begin = time.perf_counter()
    samples = estimator.sample(trial.protocol.samples, seed=seed)
    sampling = time.perf_counter() - begin
    stage("score")
    scores = score(trial, with_densities(trial, estimator, samples, seed)).metrics
    size = {"dim": math.prod(trial.dataset.shape), "train": trial.protocol.train}
    known = {name: value for name, value in scores.items() if value is not None}
    return size | {"train_seconds": seconds, "sample_seconds": sampling} | known
