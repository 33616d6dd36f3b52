"""Which trials are still to do, and where they run: worker processes, or this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

from genbench.core.errors import GenbenchError
from genbench.core.user_files import content_digest
from genbench.runs.trial import UNFINISHED, execute, failed
from genbench.storage.records import Status, TrialRecord, TrialSpec
from genbench.storage.store import CorruptFile, Store
from genbench.tasks.execution import ExecutionOptions
from genbench.training.checkpoint import BadCheckpoint, read_checkpoint

__all__ = ["Done", "perform_all", "remaining", "tidy", "why"]

Done = Callable[[TrialRecord], None]


def remaining(
    specs: Iterable[TrialSpec], store: Store, retry_failed: bool = False
) -> tuple[list[TrialSpec], list[str]]:
    """Return the trials that have no result yet, or one of data files that have changed since.

    The notes are of corrupt files, which are set aside, and of data files that are gone.
    """
    todo, notes, gone = [], [], dict[str, None]()
    for spec in specs:
        try:
            if store.has(spec.key):
                record = store.read(spec.key)
                changed, lost = data_files(record, spec)
                gone |= dict.fromkeys(lost)
                if not changed and not (record.status != "ok" and retry_failed):
                    continue
        except CorruptFile as error:
            notes.append(f"{error}; set aside as {store.set_aside(spec.key).name}, its trial runs again")
        todo.append(spec)
    notes += [f"caution: {name} is gone; whether results are of today's data is unknown" for name in gone]
    return todo, notes


def data_files(record: TrialRecord, spec: TrialSpec) -> tuple[list[str], list[str]]:
    """Return which of the files that a trial read have changed since, and which are gone.

    They are looked for where they were, and from where the trial's plugins are today.
    """
    moved = [(Path(old).parent, Path(new).parent) for old, new in zip(record.spec.plugins, spec.plugins, strict=False)]
    changed, gone = [], []
    for name, digest in record.provenance.files.items():
        path = Path(name)
        places = [path, *(new / path.relative_to(old) for old, new in moved if path.is_relative_to(old))]
        today = [content_digest(place) for place in reversed(places) if place.is_file()]
        if not today:
            gone.append(name)
        elif today[0] != digest:
            changed.append(name)
    return changed, gone


def tidy(specs: Iterable[TrialSpec], store: Store) -> None:
    """Delete the checkpoints of trials that are finished, or whose code or data files have changed since."""
    planned = {spec.identity: spec.key for spec in specs}
    for key, files in store.checkpoints().items():
        try:
            finished = store.has(key) and store.read(key).status not in UNFINISHED
            about = read_checkpoint(files[0]).about
            other_code = planned.get(TrialSpec(**about["spec"]).identity, key) != key
            data = about.get("files", {}).items()
            superseded = other_code or any(content_digest(Path(name)) != digest for name, digest in data)
        except CorruptFile:
            continue
        except (BadCheckpoint, KeyError, TypeError, ValueError):  # if it is of a planned trial, that will say so
            finished, superseded = False, key not in planned.values()
        if finished or superseded:
            store.discard_checkpoints(key)


def why(spec: TrialSpec, store: Store) -> str:
    """Return why a trial has to run: nothing is there, or what changed since the nearest result."""
    if store.has(spec.key):
        changed, _ = data_files(store.read(spec.key), spec)
        return "; ".join(f"file {name} changed" for name in changed) or "it failed"
    earlier: list[list[str]] = []
    for key in store.finished():
        try:
            record = store.read(key)
        except CorruptFile:
            continue
        if record.spec.identity == spec.identity:
            earlier.append(spec.differences(record.spec))
    if not earlier:
        return "no result yet"
    return "; ".join(sorted(earlier, key=len)[0]) or "its result is missing"


def perform_all(
    todo: list[TrialSpec],
    store: Store,
    jobs: int,
    timeout: float,
    done: Done,
    options: ExecutionOptions = ExecutionOptions(),
) -> None:
    """Run trials and call `done` with each record as it comes. With `jobs` 0 they run in this process, without timeout.

    Raises:
        GenbenchError: the store cannot be written any more; what was finished is safe.
        KeyboardInterrupt: after the workers are stopped.
    """
    try:
        if jobs == 0:
            for spec in todo:
                done(execute(spec, store, options))
        else:
            _in_workers(todo, store, jobs, timeout, done, options)
    except OSError as error:
        raise GenbenchError(
            f"cannot write to {store.path}: {error.strerror or error}; finished trials are safe, run again"
        ) from None


def _in_workers(
    todo: list[TrialSpec], store: Store, jobs: int, timeout: float, done: Done, options: ExecutionOptions
) -> None:
    from pebble import ProcessPool

    from genbench.runs.worker import context, initialise, perform

    with ProcessPool(
        max_workers=jobs, max_tasks=1, context=context(), initializer=initialise, initargs=[_memory_share(jobs)]
    ) as pool:
        waiting: dict[Future[Any], TrialSpec] = {}
        try:
            for spec in todo:
                arguments = [spec.model_dump_json(), str(store.path), options]
                waiting[pool.schedule(perform, args=arguments, timeout=timeout)] = spec
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    spec = waiting.pop(future)
                    done(_record(spec, future, store, timeout))
        except BaseException:
            pool.stop()
            pool.join()
            raise


def _record(spec: TrialSpec, future: Future[Any], store: Store, timeout: float) -> TrialRecord:
    """Return the record of a trial whose worker has ended; a worker that died or hung gets its record here."""
    from pebble import ProcessExpired

    try:
        return TrialRecord.model_validate_json(future.result())
    except TimeoutError:
        phase = store.unmark(spec.key)
        remedy = "raise --timeout if it needs more"
        if spec.key in store.checkpoints():
            remedy += ", and with --retry-failed it resumes"
        record = failed(spec, "timeout", phase, f"stopped after {timeout:g} s; {remedy}", timeout)
    except ProcessExpired as error:
        killed = error.exitcode in (-9, 137)
        status: Status = "out_of_memory" if killed else "crashed"
        reason = "was killed, most often for want of memory" if killed else f"died with exit code {error.exitcode}"
        record = failed(spec, status, store.unmark(spec.key), f"the worker process {reason}", 0.0)
    store.write(record)
    return record


def _memory_share(jobs: int) -> int:
    """Return the megabytes that a worker may allocate: its share of the machine."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**20
    return max(2048, int(0.9 * total / 2**20 / jobs))
