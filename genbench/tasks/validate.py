"""The task `validate`: fit, then score on the validation split, for `genbench tune`.

The test split, which leaderboards use, is not used.
"""

from __future__ import annotations

import contextlib
import time

import numpy as np

from genbench.contracts.dataset import Dataset
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.task_evidence import Validation
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.numerics.standardiser import Standardiser
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import cost_of, fit, result_of

__all__ = ["Validate"]


class Validate(Task):
    """Fit to the training points, and score on the validation points.

    The score is that of the density, or of samples if there is no density.
    """

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model cannot be tuned; "" if it can."""
        return "is the truth and learns nothing" if card.role == "oracle" else ""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, log_prob, sample, score."""
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = fit(trial, estimator, options)
        begin = time.perf_counter()
        held_out = trial.splits.validation[: trial.protocol.tested]
        log_prob = samples = None
        if trial.model.likelihood != "none":
            stage("log_prob")
            with contextlib.suppress(NotImplementedError):  # it has no density of these data
                log_prob = estimator.log_prob(held_out, seed=trial.spec.seed)
        asked = time.perf_counter()
        if log_prob is None:
            stage("sample")
            samples = _in_deviations(trial, estimator.sample(len(held_out), seed=trial.spec.seed))
        drawn = time.perf_counter()
        stage("score")
        observed = _in_deviations(trial, held_out)
        seed = stream(trial.spec.seed, "validation")
        evaluation = evaluate(Validation(trial.dataset, seed, observed, log_prob, samples), trial.spec.metrics)
        cost = cost_of(
            estimator,
            seconds,
            log_prob_seconds=None if log_prob is None else asked - begin,
            sample_seconds=None if samples is None else drawn - asked,
            score_seconds=time.perf_counter() - drawn,
        )
        return result_of(evaluation, estimator, cost)


def _in_deviations(trial: ResolvedTrial, x: Array) -> Array:
    """Return points [n, *shape] flattened [n, d], in standard deviations of the training points."""
    units = Standardiser.fit(trial.splits.train)
    return np.asarray(units.forward(x), dtype=np.float64).reshape(len(x), -1)
