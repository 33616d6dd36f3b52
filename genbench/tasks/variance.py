"""The task `variance`: several training runs for each seed, and several draws from each.

A score varies with the data, with the initialisation and order of a training run, and with the draw that is scored. A
run of `generate` shows the sum; here each part is estimated (`genbench.statistics.variance`).
"""

from __future__ import annotations

import numpy as np

from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.evaluation.model_outputs import draw_with_densities, score
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import fit, sample_and_score

__all__ = ["Variance"]

INITIALISATIONS, DRAWS = 3, 3  # by hand: two degrees of freedom each, for three times the time of one training run


class Variance(Task):
    """Train three times on the data of a seed, and score three draws from each training run."""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial: as `generate`, with mean scores over all draws of all training runs.

        `nested` holds the scores [initialisation][draw] of each metric. The first training run is that of `generate`;
        seconds are means over training runs.
        """
        spec = trial.spec
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = [fit(trial, estimator, options)]
        computes = [estimator.history.compute]
        result = sample_and_score(trial, estimator, stage, seconds[0])
        groups = [_scores(trial, estimator, stream(spec.seed, "first"))]
        for k in range(1, INITIALISATIONS):
            stage("fit")
            again = trial.estimator(options.device)
            seed = stream(spec.seed, "initialisation", k)
            seconds.append(fit(trial, again, options, seed=seed, training=k))
            computes.append(again.history.compute)
            stage("score")
            groups.append(_scores(trial, again, seed))
        result.cost.train_seconds = float(np.mean(seconds))
        if measured := [compute.seconds for compute in computes if compute]:
            result.cost.compute = float(np.mean(measured))
        every = Evaluation.mean([evaluation for group in groups for evaluation in group])
        for name, value in every.metrics.items():
            rows = [[known for one in group if (known := one.metrics[name]) is not None] for group in groups]
            if value is not None:
                result.metrics[name] = value
                result.nested[name] = rows
        return result


def _scores(trial: ResolvedTrial, estimator: Estimator, seed: int) -> list[Evaluation]:
    """Return the scores of several draws from one fitted model."""
    seeds = [stream(seed, "draw", k) for k in range(DRAWS)]
    return [score(trial, draw_with_densities(trial, estimator, of_draw)) for of_draw in seeds]
