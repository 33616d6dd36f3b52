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
    """The work of one trial, from loaded data to scores.

    `kinds` are the kinds of data that it accepts.
    """

    kinds: tuple[str, ...] = KINDS

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial.

        Args:
            trial: the spec, its plugins, and its data.
            stage: called with the name of each phase that begins, such as "fit", "sample", "score".
            options: how it is run; no number of the result depends on them.

        Raises:
            GenbenchError and any exception of a plugin; `stage` says in which phase.
        """
        raise NotImplementedError

    def check_data(self, dataset: Dataset) -> None:
        """Raise a GenbenchError that says what the data lack for this task."""

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model, not fitted yet, cannot do the task on the data; "" if it can."""
        return ""
