"""Trials in this process, one after the other, without timeouts."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from genbench.runs.executors.base import Gate
from genbench.runs.trial import execute
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Here"]


@dataclass(frozen=True)
class Here:
    """An executor that runs trials in this process."""

    options: ExecutionOptions
    jobs = 0

    def perform(self, trials: Sequence[TrialSpec], store: Store, gate: Gate) -> Generator[TrialRecord]:
        """Run trials, see `Executor`."""
        for spec in trials:
            if gate.may_begin(1) and gate.claim(spec):
                yield execute(spec, store, self.options)
