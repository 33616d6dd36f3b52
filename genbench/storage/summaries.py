"""Summaries of a run's trials in one file, so that 10,000 trials need not 10,000 reads.

The file `.summaries.json` is only a copy of a part of the records: an entry is valid only for a record with the size
and the time in the entry. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated

from annotated_types import Len
from pydantic import TypeAdapter, ValidationError

from genbench.core.files import write_whole
from genbench.core.regular_files import Refused, read_regular
from genbench.storage.limits import Seed
from genbench.storage.records import SCHEMA, Status, TrialRecord
from genbench.storage.stamps import Stamp, stamps_in
from genbench.storage.store import CorruptFile, Store

__all__ = ["Summaries", "Summary"]

FILE = ".summaries.json"
LARGEST = 2**28  # bytes; an entry has some 300, and a run 100,000 trials
WORTH = 200  # records, read anew, for which the file is written; by hand: reading that many takes a tenth of a second

Identity = tuple[str, str, str, int]


@dataclass(frozen=True)
class Summary:
    """A summary of a finished trial, and of how it ended.

    The names of fields are those of `TrialSpec` and `TrialRecord`.

    Attributes:
        stamp: number, time in nanoseconds, and size in bytes of the record's file.
        files: digests of the user's files that the trial read, by path.
    """

    stamp: Stamp
    task: str
    model: str
    dataset: str
    seed: Seed
    place: str
    data_fingerprint: str
    status: Status
    blameless: bool
    plugins: Annotated[tuple[str, ...], Len(0, 100)] = ()
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, record: TrialRecord, stamp: Stamp) -> Summary:
        """Return the summary of a record."""
        spec, blameless = record.spec, record.error is not None and record.error.blameless
        return cls(
            stamp, *spec.identity, spec.place, spec.data_fingerprint, record.status, blameless, spec.plugins,
            record.provenance.files,
        )  # fmt: skip

    @property
    def identity(self) -> Identity:
        """The row and the seed of the table that the trial fills."""
        return self.task, self.model, self.dataset, self.seed


ENTRIES: TypeAdapter[tuple[int, dict[str, Summary]]] = TypeAdapter(tuple[int, dict[str, Summary]])


class Summaries:
    """The finished trials of a store, in the state in which they are when this is made."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._stamps = stamps_in(store.trials)
        self._known = {key: one for key, one in _stored(store).items() if self._stamps.get(key) == one.stamp}
        self._anew = 0

    def __contains__(self, key: str) -> bool:
        """Whether a trial is finished."""
        return key in self._stamps

    def __getitem__(self, key: str) -> Summary:
        """Return what a finished trial was.

        Raises:
            KeyError: it is not finished.
            CorruptFile: its record cannot be read.
        """
        if key not in self._known:
            stamp = self._stamps[key]
            self._known[key] = Summary.of(self.store.read(key), stamp)
            self._anew += 1
        return self._known[key]

    def stamp(self, key: str) -> Stamp | None:
        """Return a stamp of a finished trial's record, which changes when it is written again.

        None if there is no record.
        """
        return self._stamps.get(key)

    def failed(self, keys: Iterable[str]) -> bool:
        """Whether any of some trials failed. Trials with unreadable records do not count."""
        self.look(keys)
        return any(key in self._known and self._known[key].status != "ok" for key in keys)

    @cached_property
    def keys_of(self) -> dict[Identity, list[str]]:
        """The keys of the finished trials by the row and seed that they fill.

        Corrupt records are left out.
        """
        found: dict[Identity, list[str]] = defaultdict(list)
        for key in sorted(self._stamps):
            with contextlib.suppress(CorruptFile):
                found[self[key].identity].append(key)
        return found

    def look(self, keys: Iterable[str]) -> None:
        """Read the finished trials that are not known yet, and keep their summaries."""
        for key in keys:
            with contextlib.suppress(CorruptFile, KeyError):
                _ = self[key]
        self.keep()

    def keep(self) -> None:
        """Write the file if it is worth it. If the folder cannot be written, nothing is written."""
        if self._anew < WORTH:
            return
        content = ENTRIES.dump_json((SCHEMA, self._known))
        with contextlib.suppress(OSError):
            write_whole(self.store.path / FILE, lambda out: out.write(content))
            self._anew = 0


def _stored(store: Store) -> Mapping[str, Summary]:
    """Return the file's entries; none where it is not there, or is not as it should be."""
    file = store.path / FILE
    try:
        facts = file.lstat()
        return _parsed(file, store.path, (facts.st_ino, facts.st_mtime_ns, facts.st_size))
    except (OSError, Refused, ValidationError, RecursionError):
        return {}


@lru_cache(maxsize=1)  # a command looks several times
def _parsed(file: Path, folder: Path, _: Stamp) -> Mapping[str, Summary]:
    """Return the entries of a file in the state that a stamp tells."""
    schema, entries = ENTRIES.validate_json(read_regular(file, folder, LARGEST))
    return entries if schema == SCHEMA else {}
