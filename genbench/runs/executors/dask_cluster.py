"""A Dask cluster for trials: an existing one, or one started for the run on this machine."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from genbench.core.errors import GenbenchError, shown
from genbench.core.exception_text import message_of
from genbench.core.hardware import cores
from genbench.core.process_tree import kill_offspring

__all__ = ["LOCAL", "RETRIES", "DaskRequest", "connected"]

LOCAL = "local"  # a cluster of this run's own, on this machine
RETRIES = 2  # by hand: one worker may be lost by bad luck, and one more
MOST_RETRIES = 100
# Seconds, chosen by hand.
CONNECT = 20.0  # in which a scheduler that is there answers
START = 120.0  # in which workers of our own start on a loaded machine
WORKERS = """
from genbench.core.process_tree import die_with_parent
die_with_parent()
from distributed.cli.dask_worker import main
main()
"""
END = 3.0  # in which they end when they are asked


@dataclass(frozen=True)
class DaskRequest:
    """The request for a Dask cluster.

    Attributes:
        address: address of a scheduler, or "local".
        jobs: number of trials at a time. None means as many as the workers have threads, or for "local" as this machine
            has cores.
        resources: resources of a worker that a trial needs, by name.
        retries: how often a trial is repeated when its worker fails.
    """

    address: str
    jobs: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    retries: int = RETRIES

    @classmethod
    def of(
        cls, address: str, jobs: int | None, resources: str | Mapping[str, float] | None, retries: int
    ) -> DaskRequest:
        """Return the request from its typed form.

        Raises:
            GenbenchError: it cannot be read, or a number is out of range.
        """
        if address != LOCAL and not re.fullmatch(r"[a-z]+://[^\s/]+", address):
            raise GenbenchError(f"dask '{shown(address)}' is no address; write tcp://host:8786, or local")
        if jobs == 0:
            raise GenbenchError("jobs=0 runs trials in this process, and dask on workers; leave one out")
        if not 0 <= retries <= MOST_RETRIES:
            raise GenbenchError(f"retries={retries} is out of range; give 0 to {MOST_RETRIES}")
        return cls(address, jobs, _resources(resources), retries)


def _resources(given: str | Mapping[str, float] | None) -> dict[str, float]:
    """Return resources by name: those of "GPU=1,MEM=2e9"."""
    if given is None or not isinstance(given, str):
        return {name: _amount(name, str(value)) for name, value in (given or {}).items()}
    pairs = [part.partition("=") for part in given.split(",")]
    return {name.strip(): _amount(name, value) for name, _, value in pairs}


def _amount(name: str, text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not name.strip() or not 0 < amount < float("inf"):
        raise GenbenchError(f"resource '{shown(f'{name}={text}')}' cannot be read; write what a trial takes: GPU=1")
    return amount


@contextmanager
def connected(request: DaskRequest) -> Iterator[Any]:
    """Yield a client of a cluster. A cluster that was started for the run ends with the block.

    Raises:
        GenbenchError: Dask is not installed, no scheduler answers, or no worker starts.
    """
    try:
        from distributed import Client
    except ImportError:
        raise GenbenchError(
            "--dask needs Dask, which is not installed here; install it with: pip install 'genbench[cluster]'"
        ) from None
    with ExitStack() as stack:
        address = stack.enter_context(_own_scheduler()) if request.address == LOCAL else request.address
        try:
            client = stack.enter_context(Client(address, timeout=CONNECT, set_as_default=False, name="genbench"))
        except (OSError, TimeoutError, ValueError) as error:
            raise GenbenchError(
                f"no Dask scheduler answers at {address} ({message_of(error)}); start one with `dask scheduler`, or "
                "use --dask local"
            ) from None
        if request.address == LOCAL:
            stack.enter_context(_own_workers(address, request.jobs or cores(), request.resources))
            _wait_for(client, request.jobs or cores())
        yield client


@contextmanager
def _own_scheduler() -> Iterator[str]:
    """Start a scheduler in this process and give its address."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=None, silence_logs=logging.CRITICAL) as cluster:
        yield cluster.scheduler_address


@contextmanager
def _own_workers(address: str, number: int, resources: Mapping[str, float]) -> Iterator[None]:
    """Start workers on this machine.

    They are started by a command, since Dask's own processes import the script that calls this, which need not expect
    that. They are in a session of their own, so that Ctrl-C leaves them to us, and end with this process.
    """
    command = [sys.executable, "-c", WORKERS, address, "--nworkers", str(number), "--nthreads", "1", "--no-dashboard"]
    command += ["--death-timeout", f"{START:g}"]
    with tempfile.TemporaryDirectory(prefix="genbench-dask-") as scratch:
        command += ["--local-directory", scratch]
        if resources:  # each worker has what one trial takes
            command += ["--resources", " ".join(f"{name}={amount:g}" for name, amount in resources.items())]
        workers = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            workers.terminate()
            with suppress(subprocess.TimeoutExpired):
                workers.wait(END)
            kill_offspring(workers.pid, workers.kill)
            workers.wait()


def _wait_for(client: Any, number: int) -> None:
    try:
        client.wait_for_workers(number, timeout=START)
    except TimeoutError:
        raise GenbenchError(
            f"the {number} Dask workers of this machine did not start in {START:g} s; run without --dask"
        ) from None
