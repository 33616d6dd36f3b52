"""The record of a run, rebuilt from its trials if it is missing or damaged.

It is never replaced without a message.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from genbench.core.errors import GenbenchError
from genbench.core.types import Say
from genbench.storage.limits import is_key
from genbench.storage.records import RunRecord, TrialRecord
from genbench.storage.store import RUN_RECORD, CorruptFile, NewerSchema, Store, put_aside

__all__ = ["edited_run", "known", "read_or_rebuilt"]


def read_or_rebuilt(store: Store) -> tuple[RunRecord, str]:
    """Return the record of a run, and why it was rebuilt from the trials.

    The reason is "" if the record could be read. Nothing is written.

    Raises:
        NewerSchema: the record was written by a newer genbench.
        GenbenchError: the record is missing or damaged, and there is no trial.
    """
    try:
        return store.read_run(), ""
    except NewerSchema:
        raise
    except GenbenchError as error:
        found = _rebuilt(store)
        if not found.trials:
            raise
        reason = str(error) if isinstance(error, CorruptFile) else f"{store.path / RUN_RECORD} is missing"
    n = len(found.trials)
    what = f"{n} trial{'' if n == 1 else 's'}, the latest of each model, dataset and seed"
    return found, f"{reason}; its table is rebuilt from {what}; what was asked is lost"


def known(store: Store) -> RunRecord:
    """Return the record of a run, rebuilt if needed, or an empty one if there is nothing.

    Raises:
        NewerSchema: the record was written by a newer genbench.
    """
    try:
        return read_or_rebuilt(store)[0]
    except NewerSchema:
        raise
    except GenbenchError:
        return RunRecord(name=store.path.name)


@contextmanager
def edited_run(store: Store, say: Say) -> Iterator[RunRecord]:
    """Yield a run's record for changes inside the block, then write it.

    No other process can change it meanwhile. A damaged record is set aside and rebuilt from the trials, and `say` is
    called with a message.

    Raises:
        NewerSchema: the record was written by a newer genbench; it is not changed.
        OSError: the folder cannot be written.
    """
    with store.lock():
        record = _repaired(store, say)
        yield record
        store.write_run(record)


def _repaired(store: Store, say: Say) -> RunRecord:
    """Return the record of a run, to be changed; one that is damaged is set aside, and the rebuilt one written."""
    file = store.path / RUN_RECORD
    try:
        record, note = read_or_rebuilt(store)
    except NewerSchema:
        raise
    except GenbenchError as error:
        record, note = RunRecord(name=store.path.name), str(error) if os.path.lexists(file) else ""
    if note:
        aside = f"; set aside as {put_aside(file).name}" if os.path.lexists(file) else ""
        say(f"{note}{aside}")
        store.write_run(record)
    return record


def _rebuilt(store: Store) -> RunRecord:
    """Return what the trials of a folder say: the latest of each row and seed, in the order in which they were made.

    A trial that cannot be read is in it, too, so that whoever shows the table names it.
    """
    latest: dict[tuple[str, str, str, int], tuple[str, TrialRecord]] = {}
    unreadable = []
    for key in filter(is_key, store.finished()):
        try:
            trial = store.read(key)
        except GenbenchError:
            unreadable.append(key)
            continue
        made = (trial.provenance.latest or _written(store, key), trial)
        before = latest.get(trial.spec.identity)
        if before is None or (before[0], before[1].key) < (made[0], key):
            latest[trial.spec.identity] = made
    in_order = sorted(latest.values(), key=lambda made: (made[0], made[1].key))
    files = {
        path: trial.spec.data_fingerprint
        for _, trial in in_order
        if trial.spec.data_fingerprint and isinstance(path := trial.spec.dataset_params.get("path"), str)
    }
    keys = [trial.key for _, trial in in_order]
    return RunRecord(name=store.path.name, trials=[*keys, *unreadable], files=files)


def _written(store: Store, key: str) -> str:
    """Return when a trial's file was written, as a record has it; for those that do not say when they ran."""
    seconds = (store.trials / f"{key}.json").stat().st_mtime
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
