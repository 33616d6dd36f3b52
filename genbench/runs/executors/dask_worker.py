"""The work of a Dask worker: it runs a trial in a separate process and returns its files."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genbench.core.hardware import choose_device
from genbench.runs.executors.luggage import Luggage, moved
from genbench.runs.executors.processes import memory_share
from genbench.runs.executors.versions import differences, facts
from genbench.runs.parallel import each_in_a_process
from genbench.runs.worker import perform
from genbench.runs.worker_process import Ended, Work
from genbench.storage.records import TrialSpec
from genbench.storage.store import Store
from genbench.tasks.execution import ExecutionOptions
from genbench.training.checkpoint import SUFFIX

__all__ = ["Answer", "about", "carry", "run_trial"]

LEAST_MB = 2048  # that a trial may allocate, as in a worker process: what torch reserves is more than it uses


@dataclass(frozen=True)
class Answer:
    """The result of a trial on a worker.

    Attributes:
        unfit: why this worker must not run trials, as text; "" if it may.
        other: different versions, as text.
        ended: how its process ended.
        files: content of the files that it wrote, by path in the run's folder, including the record if there is one.
    """

    unfit: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    ended: Ended = field(default_factory=Ended)
    files: dict[str, bytes] = field(default_factory=dict)


class Unwanted(Exception):
    """The trial is not needed any more: the driver is gone, or the worker must end."""


def about(dask_worker: Any) -> dict[str, Any]:
    """Return the versions of a worker, and the resources that it offers.

    Dask passes the argument.
    """
    return {"versions": facts(), "resources": dict(dask_worker.state.total_resources)}


def carry(luggage: Luggage) -> Luggage:
    """Return the argument.

    As a Dask task, it is sent to each worker once, and again if a worker was lost.
    """
    return luggage


def run_trial(
    spec: TrialSpec, luggage: Luggage, options: ExecutionOptions, seconds: float, versions: Mapping[str, str], run: str
) -> Answer:
    """Run a trial on a worker.

    Args:
        spec: the spec of the trial.
        luggage: the user's files that the trial needs.
        options: options for running it.
        seconds: time limit after which its process is ended; the worker continues.
        versions: the versions of the driver.
        run: the driver's folder of the run, for the record, instead of the folder that is used here.

    Raises:
        GenbenchError: no process can be started.
        OSError: its files cannot be written.
    """
    unfit, other = differences(versions, facts())
    if unfit:
        return Answer(unfit)
    scratch = Path(tempfile.mkdtemp(prefix="genbench-"))
    try:
        root = luggage.unpack(scratch)
        placed, options = luggage.placed(spec, root), replace(options, run=Path(run).name)
        store = Store(scratch / "run")
        store.create()
        work = Work(
            perform_sent,
            (
                placed.model_dump_json(),
                str(store.path),
                replace(options, run=Path(run).name),
                _import_paths(luggage, root),
            ),
            seconds,
            _memory_mb(),
            store.log(spec.key),
            placed.plugins,
        )
        with closing(each_in_a_process([work], 1, _wanted)) as each_ended:
            (_, ended) = next(each_ended)
        if isinstance(ended.error, OSError):
            raise ended.error  # the disk's fault, and not the trial's
        places = {str(store.path): run} | ({f"{root}/": "/"} if root else {})
        return Answer([], other, ended, _written(store, places))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def perform_sent(spec: str, path: str, options: ExecutionOptions, imported_from: tuple[str, ...]) -> None:
    """Run the trial of a serialised spec in this process, on the device of this machine."""
    sys.path += [entry for entry in imported_from if entry not in sys.path]
    data_dir = options.data_dir if options.data_dir and Path(options.data_dir).is_dir() else None
    perform(spec, path, replace(options, device=choose_device(options.device), data_dir=data_dir))


def _import_paths(luggage: Luggage, root: Path | None) -> tuple[str, ...]:
    return tuple(str(moved(entry, root)) if root else entry for entry in luggage.imported_from)


def _memory_mb() -> int:
    """Return the megabytes that a trial may allocate: its share of what the worker may have."""
    from distributed import get_worker

    worker = get_worker()
    limit = worker.memory_manager.memory_limit
    share = limit // 2**20 // worker.state.nthreads if limit else memory_share(worker.state.nthreads)
    return max(LEAST_MB, share)


def _wanted(running: int) -> bool:
    """Whether the trial is to begin, or to go on.

    Dask cannot stop what runs: it marks the task as cancelled when the driver has gone.

    Raises:
        Unwanted: it is not.
    """
    from distributed import Status, get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    if task is None or task.state == "cancelled" or worker.status not in (Status.running, Status.paused):
        raise Unwanted
    return True


def _written(store: Store, places: Mapping[str, str]) -> dict[str, bytes]:
    """Return what a trial wrote, with the paths of the driver in its record; without what is of no use to others."""
    found = {}
    for file in store.path.rglob("*"):
        name = file.relative_to(store.path).as_posix()
        if file.is_file() and not file.is_symlink() and not file.name.startswith(".") and SUFFIX not in file.name:
            found[name] = file.read_bytes()
            if name.startswith("trials/") and name.endswith(".json"):
                for here, there in places.items():
                    found[name] = found[name].replace(_in_json(here), _in_json(there))
    return found


def _in_json(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()
