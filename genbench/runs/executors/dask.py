"""Trials on the workers of a Dask cluster, existing or started for the run.

Each trial is a task. A worker runs it in a separate process, so that a timeout ends the trial and not the worker, and
returns its files. This process writes them, because a worker may not have access to its disk. When a worker is lost,
Dask gives its trials to others. When this process is lost, Dask forgets its tasks, and the next driver runs the trials
without a record.
"""

from __future__ import annotations

import math
import secrets
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from genbench.core.errors import GenbenchError
from genbench.core.exception_text import message_of
from genbench.core.types import Say
from genbench.runs.ended_trial import record_of
from genbench.runs.executors.base import Gate
from genbench.runs.executors.dask_cluster import DaskRequest, connected
from genbench.runs.executors.dask_worker import Answer, about, carry, run_trial
from genbench.runs.executors.luggage import Luggage
from genbench.runs.executors.versions import differences, facts
from genbench.runs.trial import UNFINISHED, failed
from genbench.storage.received import write_received
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import CorruptFile, Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["OnDask", "on_dask"]

# Seconds, chosen by hand. No worker is idle meanwhile, since more trials are handed in than run.
TICK = 0.1  # between two looks at what has ended
LOOK = 5.0  # between two looks at how many workers there are
FETCH = 60.0  # in which what a trial has left is brought here; where that worker was lost, it runs again
MORE = 1.25  # trials that are handed in, of those that run: what waits for a worker is there when one is free
FEW = 16  # that are handed in where there is no worker, so that a cluster that grows by demand grows


@dataclass(frozen=True)
class OnDask:
    """An executor of trials on a Dask cluster; see `on_dask`."""

    client: Any
    request: DaskRequest
    seconds: float
    options: ExecutionOptions
    say: Say

    @property
    def jobs(self) -> int:
        """The number of trials that run at a time, with the present workers."""
        return max(1, min(self._threads(), self.request.jobs or sys.maxsize))

    def perform(self, trials: Sequence[TrialSpec], store: Store, gate: Gate) -> Generator[TrialRecord]:
        """Run trials, see `Executor`."""
        waiting, running = deque(trials), dict[Any, TrialSpec]()
        sent: dict[str, Any] = {}  # luggage, by its digest: each is handed in once
        said, look, room = set[str](), -math.inf, 0
        try:
            while True:
                if time.monotonic() - look > LOOK:
                    look, room = time.monotonic(), self._room()
                while gate.may_begin(len(running)) and waiting and len(running) < room:
                    if gate.claim(spec := waiting.popleft()):
                        running[self._submit(spec, store, sent)] = spec
                if not running and not (waiting and gate.may_begin(0)):
                    return
                ended = [future for future in running if future.done()]
                for future in ended:
                    yield self._record(future, running.pop(future), store, said)
                if not ended:
                    self._check()
                    time.sleep(TICK)
        finally:
            with suppress(Exception):  # the scheduler may be gone
                self.client.cancel([*running, *sent.values()], force=True)

    def _submit(self, spec: TrialSpec, store: Store, sent: dict[str, Any]) -> Any:
        luggage = Luggage.of(spec)
        if luggage.digest not in sent:
            name = f"genbench-files-{luggage.digest}-{secrets.token_hex(4)}"
            sent[luggage.digest] = self.client.submit(carry, luggage, key=name, retries=self.request.retries)
        return self.client.submit(
            run_trial,
            spec,
            sent[luggage.digest],
            self.options,
            self.seconds,
            facts(),
            str(store.path),
            key=f"genbench-{spec.key}-{secrets.token_hex(4)}",
            resources=dict(self.request.resources) or None,
            retries=self.request.retries,
            pure=False,
        )

    def _record(self, future: Any, spec: TrialSpec, store: Store, said: set[str]) -> TrialRecord:
        """Return the record of a trial whose task has ended, and write it.

        Raises:
            GenbenchError: the cluster can run no trials, or is gone.
        """
        answer = self._answer(future)
        if isinstance(answer, str):
            record = failed(spec, "crashed", "load", f"{answer}; the next run does it again", 0.0)
            if record.error:
                record.error.blameless = True
        else:
            if answer.unfit:
                raise GenbenchError(_unfit("a worker", answer.unfit))
            self._warn(answer.other, said)
            try:
                received = write_received(store, spec, answer.files)
            except CorruptFile as error:
                received, answer = None, replace(answer, ended=replace(answer.ended, error=error))
            if received is not None and not answer.ended.timed_out:
                store.discard_sweep(spec.key)
                if received.status not in UNFINISHED:
                    store.discard_checkpoints(spec.key)
                return received
            record = record_of(spec, answer.ended, self.seconds, has_checkpoint=False)
        store.discard_outputs(spec.key)
        store.write(record)
        return record

    def _answer(self, future: Any) -> Answer | str:
        """Return what a task gave, or why there is nothing."""
        if future.status == "cancelled":
            raise GenbenchError(
                f"{self._where} lost the trials that it was given; finished trials are kept, run the command again"
            )
        if future.status == "error":
            error = future.exception(timeout=FETCH)
            lost = type(error).__name__ == "KilledWorker"
            return "its workers were lost, one after the other" if lost else f"its worker failed: {message_of(error)}"
        answer: Answer = future.result(timeout=FETCH)
        return answer

    def _threads(self) -> int:
        return sum(self.client.nthreads().values())

    def _room(self) -> int:
        """Return how many trials may be with the cluster."""
        threads = self._threads()
        room = FEW if threads == 0 else math.ceil(MORE * threads) + 1
        return min(room, self.request.jobs or room)

    @property
    def _where(self) -> str:
        return f"the Dask cluster at {self.client.scheduler.address}"

    def _check(self) -> None:
        """Raise a GenbenchError where the scheduler is gone."""
        if self.client.status not in ("running", "connecting"):
            raise GenbenchError(f"{self._where} has stopped; finished trials are kept, run the command again")

    def _warn(self, other: Sequence[str], said: set[str]) -> None:
        for text in other:
            if text not in said:
                said.add(text)
                self.say(f"caution: a worker has {text}; the last digits of its trials may differ")


@contextmanager
def on_dask(request: DaskRequest, seconds: float, options: ExecutionOptions, say: Say) -> Iterator[OnDask]:
    """Yield an executor on a Dask cluster whose workers were compared with this process.

    Args:
        request: the cluster and its options.
        seconds: time limit of a trial.
        options: options for running trials.
        say: called with a line about each difference.

    Raises:
        GenbenchError: Dask is not installed, no scheduler answers, or its workers cannot run these trials.
    """
    with connected(request) as client:
        executor = OnDask(client, request, seconds, options, say)
        found = client.run(about, on_error="return")
        offered = False
        for worker, answer in found.items():
            if isinstance(answer, BaseException):
                raise GenbenchError(
                    f"the Dask worker {worker} cannot run trials: {message_of(answer)}; install the genbench of this "
                    "machine there"
                )
            unfit, other = differences(facts(), answer["versions"])
            if unfit:
                raise GenbenchError(_unfit(f"the Dask worker {worker}", unfit))
            executor._warn(other, set())
            offered |= all(answer["resources"].get(name, 0) >= n for name, n in request.resources.items())
        if found and not offered:
            wanted = ",".join(f"{name}={n:g}" for name, n in request.resources.items())
            raise GenbenchError(
                f"no worker of {executor._where} offers {wanted}; start workers with `dask worker --resources {wanted}`"
            )
        if not found:
            say(f"{executor._where} has no workers yet; waiting for them")
        yield executor


def _unfit(who: str, words: Sequence[str]) -> str:
    return f"{who} has {' and '.join(words)}: its results would not be ours; install the same there"
