"""The steps of which tasks are made: fit, then sample and score."""

from __future__ import annotations

import time
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import Any

from genbench.estimator.estimator import Estimator
from genbench.evaluation.model_outputs import draw, score_trial, with_densities, with_lacking
from genbench.evaluation.repeatability import unrepeatable
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import Cost, TrialResult
from genbench.tasks.base import Stage
from genbench.tasks.equal_compute import caution_unequal
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.previews import previews
from genbench.training.trainer import Snapshots

__all__ = ["cost_of", "fit", "fitted", "result_of", "sample_and_score"]


def fitted(trial: ResolvedTrial, device: str = "cpu") -> Estimator:
    """Return the fitted model of a trial. It restores a model that stores no weights."""
    estimator = trial.estimator(device)
    fit(trial, estimator)
    return estimator


def fit(
    trial: ResolvedTrial,
    estimator: Estimator,
    options: ExecutionOptions = ExecutionOptions(),
    snapshots: Snapshots | None = None,
    seed: int | None = None,
    training: int = 0,
) -> float:
    """Fit the model, or give the truth to the oracle, and return the wall-clock seconds.

    They include the seconds before the run was killed, if it was.

    Args:
        snapshots: taken during the training run, instead of previews.
        seed: seed of the training run; that of the spec unless given.
        training: number of the training run, if the trial has several.
    """
    spec = trial.spec
    log = options.log_of(spec, training)
    if snapshots is None and options.previews and options.folder:
        folder = options.folder.parent / "figures" / "training"
        snapshots = previews(spec, trial.dataset, folder, options.previews, log)
    if log:
        snapshots = replace(snapshots or Snapshots((), lambda *_: None), note=log.row)
    begin = time.perf_counter()
    with closing(log) if log else nullcontext():
        if trial.of_oracle:
            estimator.reveal(trial.dataset, trial.splits)
        else:
            estimator.fit(
                **trial.training_data,
                seed=spec.seed if seed is None else seed,
                progress=options.progress,
                snapshots=snapshots,
                checkpoint=options.checkpoint(spec, training),
                metered=True,
            )
    done = estimator.history
    caution_unequal(spec, done.compute, done.steps)
    return time.perf_counter() - begin - (done.compute.measuring if done.compute else 0.0) + done.earlier


def sample_and_score(
    trial: ResolvedTrial, estimator: Estimator, stage: Stage, train_seconds: float, **more: Any
) -> TrialResult:
    """Sample and score a fitted model by the whole protocol.

    `more` are further fields of the result.
    """
    seed = trial.spec.seed
    stage("sample")
    begin = time.perf_counter()
    samples = draw(trial, estimator, seed)
    sampled = time.perf_counter()
    stage("log_prob")
    outputs = with_densities(trial, estimator, samples, seed)
    test = trial.splits.test[: trial.protocol.tested]
    diagnostics = estimator.diagnose(test, seed=seed)
    done = time.perf_counter()
    stage("score")
    outputs = with_lacking(trial, estimator, outputs, seed)
    evaluation = score_trial(trial, estimator, outputs)
    cost = cost_of(
        estimator,
        train_seconds,
        sample_seconds=sampled - begin,
        samples_per_second=len(samples) / (sampled - begin),
        log_prob_seconds=done - sampled if outputs.test_log_prob is not None else None,
        score_seconds=time.perf_counter() - done,
        nfe=estimator.nfe,
    )
    evaluation.flags += unrepeatable(estimator, test, outputs.test_log_prob, outputs.likelihood, seed)
    facts = {"diagnostics": diagnostics, "likelihood": outputs.likelihood, "arrays": outputs.arrays}
    return result_of(evaluation, estimator, cost, **facts, weights=estimator.weights(), **more)


def result_of(evaluation: Evaluation, estimator: Estimator, cost: Cost, **more: Any) -> TrialResult:
    """Return the result of a trial of a fitted model; `more` are further fields."""
    facts: dict[str, Any] = {"likelihood": estimator.likelihood, "history": estimator.history.rows, "cost": cost}
    return TrialResult(**vars(evaluation), **facts | more)


def cost_of(estimator: Estimator, train_seconds: float, **more: Any) -> Cost:
    """Return the cost of a fitted model; `more` are further fields."""
    steps = estimator.history.steps or None
    compute = estimator.history.compute.seconds if estimator.history.compute else None
    return Cost(train_seconds=train_seconds, compute=compute, steps=steps, parameters=estimator.parameters, **more)
