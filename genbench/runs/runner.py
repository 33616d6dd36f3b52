"""Which trials are still to do, and where they run: worker processes, or this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from genbench.core.errors import GenbenchError
from genbench.core.user_files import content_digest
from genbench.runs.ended_trial import record_of
from genbench.runs.here import here
from genbench.runs.stopping import Stop
from genbench.runs.trial import UNFINISHED, execute
from genbench.storage.records import TrialRecord, TrialSpec
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
                again = record.status != "ok" and (retry_failed or (record.error and record.error.blameless))
                if not changed and not again:
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
    """Delete what a kill has left, and checkpoints of trials that are finished or whose code or data files changed."""
    store.clear()
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
    stop: Stop | None = None,
) -> None:
    """Run trials and call `done` with each record as it comes. With `jobs` 0 they run in this process, without timeout.

    Raises:
        GenbenchError: the store cannot be written any more; what was finished is safe.
        KeyboardInterrupt: after the workers are stopped, or after those that ran have finished.
    """
    stop = stop or Stop(len(todo))
    try:
        for record in (
            _here(todo, store, options, stop) if jobs == 0 else _in_workers(todo, store, jobs, timeout, options, stop)
        ):
            stop.done += 1
            done(record)
    except OSError as error:
        raise GenbenchError(
            f"cannot write to {store.path}: {error.strerror or error}; finished trials are safe, run again"
        ) from None
    stop.check()


def _here(todo: list[TrialSpec], store: Store, options: ExecutionOptions, stop: Stop) -> Iterator[TrialRecord]:
    for spec in todo:
        if stop.may_begin(1):
            yield execute(spec, store, options)


def _in_workers(
    todo: list[TrialSpec], store: Store, jobs: int, timeout: float, options: ExecutionOptions, stop: Stop
) -> Iterator[TrialRecord]:
    from genbench.runs.parallel import each_in_a_process
    from genbench.runs.worker import perform
    from genbench.runs.worker_process import Work

    memory, path = _memory_share(jobs), str(store.path)
    work = [
        Work(perform, (spec.model_dump_json(), path, options), timeout, memory, store.log(spec.key), spec.plugins)
        for spec in todo
    ]
    before = {spec.key: store.stamp(spec.key) for spec in todo}

    def settled(number: int) -> bool:
        key = todo[number].key
        return store.stamp(key) not in (None, before[key])

    with closing(each_in_a_process(work, jobs, stop.may_begin, settled)) as each_ended:
        for number, ended in each_ended:
            spec = todo[number]
            if isinstance(ended.error, OSError):
                raise ended.error
            if settled(number) and not ended.timed_out:
                yield store.read(spec.key)
            else:
                ran = here(options.device, options.threads, options.commit)
                record = record_of(spec, ended, timeout, spec.key in store.checkpoints(), ran)
                store.discard_outputs(spec.key)
                store.write(record)
                yield record


def _memory_share(jobs: int) -> int:
    """Return the megabytes that a worker may allocate: its share of the machine."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**20
    return max(2048, int(0.9 * total / 2**20 / jobs))
