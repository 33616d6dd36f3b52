"""The worker process: what it imports before its first trial, its limits, and how it is started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from functools import cache
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.core.console import write_any_sign

if TYPE_CHECKING:
    from genbench.tasks.execution import ExecutionOptions

__all__ = ["ONE_THREAD", "context", "initialise", "perform"]

# Parallelism is across trials. Libraries read these when they are imported.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def perform(spec: str, path: str, options: ExecutionOptions) -> str:
    """Run the trial of a serialised spec, write it to the store at `path`, and return its serialised record."""
    from genbench.core.strict_json import strict_json
    from genbench.runs.trial import execute
    from genbench.storage.records import TrialSpec
    from genbench.storage.store import Store

    record = execute(TrialSpec.model_validate_json(spec), Store(Path(path)), options)
    return strict_json(record.model_dump(mode="json", by_alias=True))


def initialise(memory_mb: int) -> None:
    """Leave Ctrl-C to the parent, die with it, and make an allocation beyond `memory_mb` an error."""
    os.environ |= ONE_THREAD
    write_any_sign()  # what a plugin prints
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 2**20, resource.RLIM_INFINITY))


def _die_with_the_parent() -> None:
    """End this process when the one that started it was killed: the next run does its trial."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


@cache
def context() -> BaseContext:
    """Return how workers start: forked from a server of our own that has imported the heavy libraries.

    A worker does not import the caller's script, so that scripts need no main guard, and has one thread a library.
    Nothing of the caller's process is changed for that, nor is the server shared with what else it starts. Where there
    is no forking (Windows), workers are started anew, as any library's are.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from genbench.runs.fork_server import WorkerContext

    return WorkerContext()
