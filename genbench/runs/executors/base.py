"""The contract of an executor: it runs the trials of its driver and yields their records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import Store

__all__ = ["Executor", "Gate"]


@dataclass(frozen=True)
class Gate:
    """The questions of an executor before it begins a trial.

    Attributes:
        may_begin: called with the number of running trials; says whether another one may begin. If not, no more begin.
        claim: called once with each trial, just before it begins; says whether this driver runs it. If not, it is left
            out.
    """

    may_begin: Callable[[int], bool] = lambda running: True
    claim: Callable[[TrialSpec], bool] = lambda spec: True


class Executor(Protocol):
    """A place where trials run.

    Attributes:
        jobs: number of trials that run at a time; 0 means one in this process.
    """

    @property
    def jobs(self) -> int: ...

    def perform(self, trials: Sequence[TrialSpec], store: Store, gate: Gate) -> Generator[TrialRecord]:
        """Run trials, and yield the record of each one when it ends and is in the store.

        Every trial gets a record, whatever happens. When the iterator is closed, no trial runs any more.

        Raises:
            OSError: a record cannot be written.
            GenbenchError: no further trial can be run; finished trials are stored.
        """
        ...
