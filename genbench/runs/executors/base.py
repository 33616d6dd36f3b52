"""What an executor is: given trials, it runs those that are its driver's to do, and yields their records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import Store

__all__ = ["Executor", "Gate"]


@dataclass(frozen=True)
class Gate:
    """What an executor asks before it begins a trial.

    Attributes:
        may_begin: asked with the number of trials that run, whether a further one may begin; if not, none does any
            more.
        claim: asked with a trial, once, just before it begins, whether it is this driver's to do; if not, it is left
            out.
    """

    may_begin: Callable[[int], bool] = lambda running: True
    claim: Callable[[TrialSpec], bool] = lambda spec: True


class Executor(Protocol):
    """A place where trials run.

    Attributes:
        jobs: trials that run at a time; 0 means one in this process.
    """

    @property
    def jobs(self) -> int: ...

    def perform(self, trials: Sequence[TrialSpec], store: Store, gate: Gate) -> Generator[TrialRecord]:
        """Run trials, and yield the record of each, which is in the store then, as they end.

        Whatever a trial does, it has a record. When the iterator is closed, nothing runs any more.

        Raises:
            OSError: a record cannot be written.
            GenbenchError: no further trial can be run; what was finished is safe.
        """
        ...
