"""The contract of a task."""

from __future__ import annotations

from collections.abc import Callable

from genbench.contracts.dataset import Dataset
from genbench.contracts.model import Model, ModelCard
from genbench.core.types import KINDS
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.records import TrialResult
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Stage", "Task"]

Stage = Callable[[str], None]


class Task:
    """What a trial does, from loaded data to scores; `kinds` are those of the data that it takes."""

    kinds: tuple[str, ...] = KINDS

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial.

        Args:
            trial: the spec, what it names, and its data.
            stage: called with the name of each phase that begins, such as "fit", "sample", "score".
            options: how it is carried out; no number of the outcome depends on it.

        Raises:
            GenbenchError and whatever a plugin raises; `stage` says where.
        """
        raise NotImplementedError

    def check_data(self, dataset: Dataset) -> None:
        """Raise a GenbenchError that says what the data lack for this task."""

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model, created and not fitted, cannot do this on the data; empty if it can."""
        return ""
