"""The task `generate`: fit, sample, score."""

from __future__ import annotations

from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import fit, sample_and_score

__all__ = ["Generate"]


class Generate(Task):
    """Fit to the training points, sample, and score samples and densities."""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, sample, log_prob, score."""
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = fit(trial, estimator, options)
        return sample_and_score(trial, estimator, stage, seconds)
