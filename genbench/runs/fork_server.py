"""A server from which worker processes are forked.

It is separate from the one that Python has for the whole program. It ends with the process that started it, and its
workers end with it; where possible, the kernel ensures this.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from multiprocessing import connection, forkserver, process, reduction, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.popen_forkserver import Popen
from typing import Any

from genbench.core.process_tree import offspring

__all__ = ["WorkerContext", "forget", "kill_strays", "start_server"]

_server = forkserver.ForkServer()
_server.set_forkserver_preload(["genbench.runs.worker_imports"])
_lock = threading.Lock()
_starting = threading.Lock()
_workers: set[int] = set()  # that are in use


def forget(pid: int) -> None:
    """Record that a worker is no longer in use. Its remaining processes are strays."""
    with _lock:
        _workers.discard(pid)


def kill_strays() -> None:
    """Kill processes that earlier workers started and left behind.

    They became children of the server when these workers ended.
    """
    with _lock:
        server: int | None = _server._forkserver_pid  # type: ignore[attr-defined]
        for pid in offspring(server, apart_from=_workers) if server else ():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _close(*fds: int) -> None:
    for fd in fds:
        os.close(fd)


class _WorkerPopen(Popen):
    """Starts a process as `multiprocessing` does, but from our server, and without the caller's script.

    Attributes:
        lost: whether the server is gone, so that nobody knows how the process ended.
    """

    _fds: list[int]
    lost = False

    def _launch(self, process_obj: Any) -> None:
        facts = spawn.get_preparation_data(process_obj.name)
        kept = {name: value for name, value in facts.items() if not name.startswith("init_main")}
        message = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(kept, message)
            reduction.dump(process_obj, message)
        finally:
            set_spawning_popen(None)
        with _lock:
            self.sentinel, writer = _connected(self._fds)
            # the child takes the end of the parent for the closing of this copy of the pipe
            copy = os.dup(writer)
            self.finalizer = util.Finalize(self, _close, (copy, self.sentinel))
            with open(writer, "wb", closefd=True) as pipe:
                pipe.write(message.getbuffer())
            self.pid = forkserver.read_signed(self.sentinel)
            _workers.add(self.pid)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        if self.returncode is None and connection.wait([self.sentinel], 0 if flag == os.WNOHANG else None):
            try:
                self.returncode = forkserver.read_signed(self.sentinel)
            except (OSError, EOFError):
                self.returncode, self.lost = 255, True  # what `multiprocessing` says of it
        return self.returncode


def start_server() -> None:
    """Start the server if it does not run; it imports libraries in the background.

    The caller's Ctrl-C does not reach it.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        _server.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _connected(fds: list[int]) -> tuple[int, int]:
    """Ask the server for a process."""
    start_server()
    found: tuple[int, int] = _server.connect_to_new_process(fds)
    return found


class _Worker(ForkServerProcess):
    _Popen = staticmethod(_WorkerPopen)
    _start_method = None  # type: ignore[assignment]  # what a plugin starts, it starts as it would in the caller's process

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._config.pop("daemon", None)  # type: ignore[attr-defined]  # a plugin may start processes, wherever this runs

    def start(self) -> None:
        """Start the process, also from one that is a daemon, as the workers of Dask are.

        `multiprocessing` forbids them children, which nobody would end. Ours end with the process that starts them.
        """
        config: dict[str, Any] = process.current_process()._config  # type: ignore[attr-defined]
        with _starting:
            daemon = config.pop("daemon", None)
            try:
                super().start()
            finally:
                if daemon is not None:
                    config["daemon"] = daemon


class WorkerContext(ForkServerContext):
    """A `multiprocessing` context whose processes are workers."""

    Process = _Worker
