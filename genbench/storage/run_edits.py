"""Changes to a run's record that several processes make, none of which is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from genbench.storage.records import RunRecord
from genbench.storage.store import Store

__all__ = ["edited_run"]


@contextmanager
def edited_run(store: Store, read: Callable[[Store], RunRecord] = Store.read_run) -> Iterator[RunRecord]:
    """Give a run's record to be changed inside the block, and write it; meanwhile no other process changes it.

    Args:
        read: finds the record.
    """
    with store.lock():
        record = read(store)
        yield record
        store.write_run(record)
