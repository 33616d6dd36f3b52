"""A server that worker processes are forked from, apart from the one that Python keeps for all of a program."""

from __future__ import annotations

import io
import os
from multiprocessing import forkserver, reduction, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.popen_forkserver import Popen
from typing import Any

__all__ = ["WorkerContext"]

_server = forkserver.ForkServer()
_server.set_forkserver_preload(["genbench.runs.worker_imports"])


def _close(*fds: int) -> None:
    for fd in fds:
        os.close(fd)


class _WorkerPopen(Popen):
    """Starts a process as `multiprocessing` does, but from our server, and without the caller's script."""

    _fds: list[int]

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
        self.sentinel, writer = _server.connect_to_new_process(self._fds)
        # the child takes the end of the parent for the closing of this copy of the pipe
        copy = os.dup(writer)
        self.finalizer = util.Finalize(self, _close, (copy, self.sentinel))
        with open(writer, "wb", closefd=True) as pipe:
            pipe.write(message.getbuffer())
        self.pid = forkserver.read_signed(self.sentinel)


class _Worker(ForkServerProcess):
    _Popen = staticmethod(_WorkerPopen)


class WorkerContext(ForkServerContext):
    """A `multiprocessing` context whose processes are workers."""

    Process = _Worker
