"""Trials in worker processes of this machine, one process for each, with a timeout."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from genbench.runs.ended_trial import record_of
from genbench.runs.executors.base import Gate
from genbench.runs.parallel import each_in_a_process
from genbench.runs.trial_environment import trial_environment
from genbench.runs.worker import perform
from genbench.runs.worker_process import Work
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Processes", "memory_share"]


@dataclass(frozen=True)
class Processes:
    """An executor that runs trials in worker processes.

    Attributes:
        jobs: number of processes at a time, 1 or more.
        seconds: time limit of a trial.
        options: options for running trials.
    """

    jobs: int
    seconds: float
    options: ExecutionOptions

    def perform(self, trials: Sequence[TrialSpec], store: Store, gate: Gate) -> Generator[TrialRecord]:
        """Run trials, see `Executor`."""
        jobs = min(self.jobs, max(1, len(trials)))
        memory, path = memory_share(jobs), str(store.path)
        work = [
            Work(
                perform,
                (spec.model_dump_json(), path, self.options),
                self.seconds,
                memory,
                store.log(spec.key),
                spec.plugins,
            )
            for spec in trials
        ]
        before = {spec.key: store.stamp(spec.key) for spec in trials}

        def settled(number: int) -> bool:
            key = trials[number].key
            return store.stamp(key) not in (None, before[key])

        def mine(number: int) -> bool:
            return gate.claim(trials[number])

        with closing(each_in_a_process(work, jobs, gate.may_begin, settled, mine)) as each_ended:
            for number, ended in each_ended:
                spec = trials[number]
                if isinstance(ended.error, OSError):
                    raise ended.error
                if settled(number) and not ended.timed_out:
                    yield store.read(spec.key)
                else:
                    ran = trial_environment(self.options.device, self.options.threads, self.options.commit)
                    record = record_of(spec, ended, self.seconds, spec.key in store.checkpoints(), ran)
                    store.discard_outputs(spec.key)
                    store.write(record)
                    yield record


def memory_share(jobs: int) -> int:
    """Return the megabytes that a worker may allocate: its share of the memory."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**20
    return max(2048, int(0.9 * total / 2**20 / jobs))
