"""A process that has imported the libraries, and forks one for each command line: these start in a blink.

Most of the seconds of a short command are imports. A command still has a process, a folder, an environment and
registries of its own; only modules of other libraries and of genbench's lower layers are there already.

Run as a program it reads requests from its standard input, a JSON object a line, and answers each with an exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["WarmProcess"]

LIMIT = 300  # seconds of one command, by hand: far more than any needs
LIBRARIES = (
    "torch", "scipy.stats", "scipy.spatial", "scipy.optimize", "scipy.special", "pandas", "sklearn.mixture",
    "sklearn.neighbors", "sklearn.ensemble", "sklearn.datasets", "ot", "seaborn", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "rich.table", "PIL.Image", "matplotlib.pyplot", "torchdiffeq",
    "genbench.cli.main", "genbench.api", "genbench.results", "genbench.runs.launch", "genbench.runs.trial",
    "genbench.tasks.generate", "genbench.display.terminal", "genbench.display.published", "genbench.figures",
    "genbench.nn.flow_model", "genbench.nn.diffusion_model", "genbench.nn.path_flow", "genbench.nn.pixelcnn",
)  # fmt: skip


class WarmProcess:
    """The process, from its first command on."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def call(self, arguments: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `python -m genbench` with arguments and return the finished process."""
        if self._server is None:
            command = [sys.executable, __file__]
            self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._server.stdin
        assert self._server.stdout
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = {"arguments": arguments, "cwd": str(cwd), "env": env, "out": str(out), "err": str(err)}
            self._server.stdin.write(json.dumps(asked) + "\n")
            self._server.stdin.flush()
            code = int(self._server.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def close(self) -> None:
        """End the process."""
        if self._server is not None:
            assert self._server.stdin
            self._server.stdin.close()
            self._server.wait(LIMIT)


def _serve() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _become(asked)
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def _become(asked: dict[str, Any]) -> None:
    """Turn this process into the command; it ends as the command does."""
    from runpy import run_module

    signal.alarm(LIMIT)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in ((1, asked["out"]), (2, asked["err"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv[1:] = asked["arguments"]
    sys.path[0] = asked["cwd"]  # as `python -m` has it
    run_module("genbench", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
