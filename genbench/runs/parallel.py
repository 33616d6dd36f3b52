"""Independent pieces of work: several processes at a time, or one after the other here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from multiprocessing import connection
from typing import Any

from genbench.core.errors import GenbenchError
from genbench.core.hardware import cores
from genbench.core.progress import shown_progress
from genbench.runs.worker_process import Ended, Work, WorkerProcess

__all__ = ["each_in_a_process", "perform_each"]

TICK = 0.2  # seconds, chosen by hand: in which Ctrl-C is answered


def each_in_a_process(
    work: Sequence[Work],
    jobs: int,
    begin: Callable[[int], bool] = lambda running: True,
    settled: Callable[[int], bool] = lambda number: False,
    mine: Callable[[int], bool] = lambda number: True,
) -> Generator[tuple[int, Ended]]:
    """Yield the number of each piece of work and how it ended, when it ends.

    Work that was killed or did not begin is repeated once, after the others.

    Args:
        jobs: number of processes at a time.
        begin: called with the number of running processes; says whether another one may begin. If not, no more begin.
        settled: called with the number of a piece of work; says whether it is done, even if its process failed.
        mine: called with the number of a piece of work before its first begin; says whether it should be done.

    Raises:
        GenbenchError: no process can be started.
    """
    waiting, again = deque(range(len(work))), set[int]()
    running: dict[int, WorkerProcess] = {}
    try:
        while True:
            while begin(len(running)) and waiting and len(running) < jobs:
                number = waiting.popleft()
                if number in again or mine(number):
                    running[number] = WorkerProcess(work[number])
            if not running:
                return
            _wait(list(running.values()))
            for number, process in list(running.items()):
                if (ended := process.look()) is None:
                    continue
                del running[number]
                if ended.blameless and number not in again and not settled(number) and begin(len(running)):
                    again.add(number)
                    waiting.append(number)
                else:
                    yield number, ended
    finally:
        for process in running.values():
            process.stop()


def _wait(processes: Sequence[WorkerProcess]) -> None:
    nearest = min(process.deadline for process in processes) - time.monotonic()
    connection.wait([each for process in processes for each in process.watched], min(TICK, max(0.0, nearest)))


def perform_each(
    work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], jobs: int | None, title: str, progress: bool = True
) -> list[Any]:
    """Return the results of `work` for each tuple of arguments, in order.

    A progress bar is shown.

    Args:
        work: a function of a module. The function, its arguments and its result must be picklable, and the result must
            be small. Exceptions of `work` are raised here.
        jobs: number of worker processes; 0 is this process. Unless given, as many as there are cores.

    Raises:
        GenbenchError: a worker process died.
    """
    with shown_progress(len(arguments), title, "trial", progress) as shown:
        jobs = min(cores() if jobs is None else jobs, len(arguments))
        results: dict[int, Any] = {}
        if jobs:
            with closing(each_in_a_process([Work(work, each) for each in arguments], jobs)) as each_ended:
                for number, ended in each_ended:
                    results[number] = _value(ended)
                    shown.step()
        else:
            for number, each in enumerate(arguments):
                results[number] = work(*each)
                shown.step()
    return [results[number] for number in range(len(arguments))]


def _value(ended: Ended) -> Any:
    if ended.error is not None:
        raise ended.error
    if ended.died or ended.timed_out:
        how = "did not start" if ended.timed_out else f"died with exit code {ended.exitcode}"
        raise GenbenchError(f"a worker process {how}; finished trials are kept, run again with --jobs 1")
    return ended.value
