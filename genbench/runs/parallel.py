"""Independent pieces of work on stored trials, in worker processes with one torch thread each or in this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from typing import Any

from genbench.core.errors import GenbenchError
from genbench.core.hardware import cores

__all__ = ["UNLIMITED_MB", "perform_each"]

UNLIMITED_MB = 2**30


def perform_each(
    work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], jobs: int | None, title: str, progress: bool = True
) -> list[Any]:
    """Return what `work` gives for each tuple of arguments, in their order, under a progress bar.

    Args:
        work: a function of a module; it and its arguments must be picklable. What it raises, this raises.
        jobs: worker processes; 0 is this process; as many as there are cores unless given.

    Raises:
        GenbenchError: a worker process died.
    """
    from tqdm.auto import tqdm

    hidden = not progress or not arguments or bool(os.environ.get("TQDM_DISABLE"))
    with tqdm(total=len(arguments), desc=title, unit="trial", disable=hidden) as bar:
        jobs = min(cores() if jobs is None else jobs, len(arguments))
        if jobs:
            return _in_workers(work, arguments, jobs, bar)
        results = []
        for each in arguments:
            results.append(work(*each))
            bar.update()
        return results


def _in_workers(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], jobs: int, bar: Any) -> list[Any]:
    from pebble import ProcessExpired, ProcessPool

    from genbench.runs.worker import context, initialise

    pool = ProcessPool(max_workers=jobs, context=context(), initializer=initialise, initargs=[UNLIMITED_MB])
    with pool:
        try:
            futures = [pool.schedule(work, args=each) for each in arguments]
            for future in as_completed(futures):
                future.result()
                bar.update()
        except ProcessExpired as error:
            pool.stop()
            raise GenbenchError(
                f"a worker process died with exit code {error.exitcode}; finished work is safe, continue with --jobs 1"
            ) from None
        except BaseException:
            pool.stop()
            raise
    return [future.result() for future in futures]
