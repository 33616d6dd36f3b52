"""The worker process: what it imports before its first trial, its limits, and how it is started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import types
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genbench.tasks.execution import Conditions

__all__ = ["context", "initialise", "perform"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def perform(spec: str, path: str, conditions: Conditions) -> str:
    """Run the trial of a serialised spec, write it to the store at `path`, and return its serialised record."""
    from genbench.runs.trial import execute
    from genbench.storage.records import TrialSpec
    from genbench.storage.store import Store

    record = execute(TrialSpec.model_validate_json(spec), Store(Path(path)), conditions)
    return record.model_dump_json(by_alias=True)


def initialise(memory_mb: int) -> None:
    """Leave Ctrl-C to the parent, die with it, and make an allocation beyond `memory_mb` an error."""
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


if "forkserver" in multiprocessing.get_all_start_methods():
    from multiprocessing.context import ForkServerContext as _Context
    from multiprocessing.context import ForkServerProcess as _Process
else:  # Windows
    from multiprocessing.context import SpawnContext as _Context  # type: ignore[assignment]
    from multiprocessing.context import SpawnProcess as _Process  # type: ignore[assignment]


class _Worker(_Process):
    """A process with one thread a library, which does not import the caller's script: scripts need no main guard."""

    def start(self) -> None:
        main, before = sys.modules["__main__"], {name: os.environ.get(name) for name in THREAD_VARIABLES}
        sys.modules["__main__"] = types.ModuleType("__main__")
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        try:
            super().start()
        finally:
            sys.modules["__main__"] = main
            for name in THREAD_VARIABLES:
                os.environ.pop(name)
            os.environ.update({name: value for name, value in before.items() if value is not None})


class _WorkerContext(_Context):
    Process = _Worker


def context() -> BaseContext:
    """Return how workers start: forked from a server that has imported the heavy libraries, where that can be."""
    workers = _WorkerContext()
    if workers.get_start_method() == "forkserver":
        workers.set_forkserver_preload([f"{__name__}_imports"])
    return workers
