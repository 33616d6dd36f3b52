"""The task `curve`: as `generate`, with scores during training.

It shows quality against training time.

The learning rate falls along a cosine over the whole budget. So a model that is scored after a quarter of the budget is
not the result of a budget of that size, whose rate would have fallen to 0. A curve shows one training run; results for
shorter budgets need shorter runs.
"""

from __future__ import annotations

from dataclasses import replace

from genbench.estimator.estimator import Estimator
from genbench.evaluation.model_outputs import draw_with_densities, score
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import fit, sample_and_score
from genbench.training.trainer import Snapshots

__all__ = ["Curve"]

SHARES = tuple(2.0**-k for k in range(6, -1, -1))  # of the training run: 1/64, 1/32, … 1
CHEAP = ("sliced_w2", "kl", "nll")  # seconds matter where seven models are scored instead of one
# Of a snapshot; a fifth of what a trial has. Chosen by hand, so that scoring takes less than training.
SAMPLES, TEST = 10_000, 2_000


class Curve(Task):
    """Fit, with cheap scores during training, then sample and score."""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial, with a row of cheap scores at each of the `SHARES` of training.

        The final scores are those of `generate`. A row has the finished share of the training run, its steps and
        seconds (without scoring), and the scores of the averaged weights at that time. A model that the engine does not
        train has one row.
        """
        brief = _brief(trial)

        def take(present: Estimator, share: float, steps: int, seconds: float) -> dict[str, float]:
            scores = _score(brief, present)
            return {"share": share, "steps": steps, "train_seconds": seconds, **scores}

        stage("fit")
        estimator = trial.estimator(options.device)
        snapshots = Snapshots(SHARES, take)
        seconds = fit(trial, estimator, options, snapshots)
        rows = snapshots.rows or [take(estimator, 1.0, 0, seconds)]
        return sample_and_score(trial, estimator, stage, rows[-1]["train_seconds"], curve=rows)


def _brief(trial: ResolvedTrial) -> ResolvedTrial:
    """Return the trial with the cheap ones of its metrics, the first if none is, and fewer samples and test points."""
    metrics = tuple(name for name in trial.spec.metrics if name in CHEAP) or trial.spec.metrics[:1]
    protocol = replace(trial.protocol, samples=min(trial.protocol.samples, SAMPLES), densities=1)
    spec = trial.spec.model_copy(update={"metrics": metrics, "protocol": protocol})
    return replace(trial, spec=spec, splits=replace(trial.splits, test=trial.splits.test[:TEST]))


def _score(brief: ResolvedTrial, present: Estimator) -> dict[str, float]:
    scores = score(brief, draw_with_densities(brief, present, brief.spec.seed)).metrics
    return {name: value for name, value in scores.items() if value is not None}
