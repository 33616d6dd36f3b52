"""The worker process: its start, its limits, and its messages to its parent."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing import util
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.core.console import write_any_sign
from genbench.core.errors import GenbenchError
from genbench.core.hardware import ONE_THREAD
from genbench.core.process_tree import LINUX, adopt_orphans, die_with_parent

if TYPE_CHECKING:
    from genbench.tasks.execution import ExecutionOptions

__all__ = ["WHERE", "context", "perform", "serve", "start_server"]

WHERE = getattr(signal, "SIGUSR1", None)  # asks a worker to write what it is doing; Windows has no such signal
ATOMIC = 4096  # bytes that a pipe takes as one, see pipe(7): a worker that is killed leaves no half of a message

_to_parent: list[Connection] = []  # one in a worker, none elsewhere


def perform(spec: str, path: str, options: ExecutionOptions) -> None:
    """Run the trial of a serialised spec and write it to the store at `path`."""
    from genbench.runs.trial import execute
    from genbench.storage.records import TrialSpec
    from genbench.storage.store import Store

    execute(TrialSpec.model_validate_json(spec), Store(Path(path)), options, _tell_phase)


def serve(
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    memory_mb: int,
    to_parent: Connection,
    output: Connection | None,
) -> None:
    """Do one piece of work in this process, and report to its parent.

    It reports its begin, its phases, and its end.

    Args:
        work, arguments: the function and its arguments; the result must be small.
        memory_mb: limit of memory; an allocation beyond it is an error.
        to_parent: receives ("began", None), ("phase", name), and ("done", value) or ("raised", error).
        output: receives the printed output; None does not redirect it.
    """
    _to_parent.append(to_parent)
    _leave_to_parent()
    if output is not None:
        _print_to(output.fileno())
    _limit(memory_mb)
    to_parent.send(("began", None))
    try:
        message = pickle.dumps(("done", work(*arguments)))
    except BaseException as error:  # a plugin may raise anything
        message = _raised(error)
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a plugin may have closed or replaced them
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(Exception):
        util._run_finalizers(0)  # type: ignore[attr-defined]  # what has a name in the system, such as a semaphore, is given back
    to_parent.send_bytes(message)
    os._exit(0)  # a plugin's threads and exit handlers are not waited for


def _raised(error: BaseException) -> bytes:
    from genbench.core.exception_text import message_of

    with contextlib.suppress(Exception):
        message = pickle.dumps(("raised", error))
        if len(message) < ATOMIC and isinstance(error, GenbenchError | OSError):
            pickle.loads(message)
            return message
    return pickle.dumps(("raised", GenbenchError(f"{type(error).__name__}: {message_of(error)}")))


def _tell_phase(name: str) -> None:
    for pipe in _to_parent:
        with contextlib.suppress(OSError, ValueError):  # a plugin may have closed it
            pipe.send(("phase", name[:100]))


def _leave_to_parent() -> None:
    """Leave Ctrl-C to the parent, die with it, and be the first of a session, which is killed as one."""
    os.environ |= ONE_THREAD
    write_any_sign()  # what a plugin prints
    sys.excepthook = sys.__excepthook__
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    if not hasattr(os, "setsid"):
        return
    with contextlib.suppress(OSError):
        os.setsid()
    _outlive_nobody()


def _outlive_nobody() -> None:
    """End with the server that this process was forked from, and let the server end with the run."""
    server = sys.modules.get("genbench.runs.worker_imports")
    if server is None:
        return
    from multiprocessing import forkserver

    adopt_orphans()
    die_with_parent()
    if LINUX and os.getppid() != server.SERVER:
        os._exit(1)
    # Python gives each worker the pipe by whose closing the server knows that it may end
    pipe: int | None = forkserver._forkserver._forkserver_alive_fd  # type: ignore[attr-defined]
    if pipe is not None:
        forkserver._forkserver._forkserver_alive_fd = None  # type: ignore[attr-defined]
        os.close(pipe)


def _die_with_the_parent() -> None:
    """End this process when the one that started it was killed: the next run does its trial."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _print_to(output: int) -> None:
    """Send what this process and its libraries print to a pipe, and what it does when it crashes or is asked."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)
        if change is not None:
            change(line_buffering=True)
    faulthandler.enable(file=2, all_threads=False)
    if WHERE is not None:
        faulthandler.register(WHERE, file=2, all_threads=False)


def _limit(memory_mb: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 2**20, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash in C would write gigabytes into some folder


@cache
def context() -> BaseContext:
    """Return how workers start: forked from a server that has imported the heavy libraries.

    A worker does not import the caller's script, so that scripts need no main guard, and has one thread for each
    library. The caller's process is not changed for that, and other processes that it starts do not use the server.
    Where there is no forking (Windows), workers start as new processes.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from genbench.runs.fork_server import WorkerContext

    return WorkerContext()


def start_server() -> None:
    """Let the server import the libraries of workers in the background.

    It takes seconds, while the caller continues.
    """
    if "forkserver" in multiprocessing.get_all_start_methods():
        from genbench.runs import fork_server

        fork_server.start_server()
