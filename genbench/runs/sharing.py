"""Trials of one driver among several on one folder: those to run, and those to wait for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from genbench.core.types import Say
from genbench.runs.stopping import Stop
from genbench.storage.claims import Claims, Holder
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import CorruptFile, Store

__all__ = ["Sharing", "trial_words"]

# Seconds between two looks at what others do, by hand: few beside a trial, and many beside what a look costs.
POLL = 1.0


class Sharing:
    """Division of trials among the drivers of a run's folder.

    The driver that claims a trial first runs it, once.

    Args:
        store: the store of the run.
        claims: the claims of this driver.
        before: the stamp of each record, by key, when its trial was selected to run.
        say: called with a line about the driver that is waited for.
    """

    def __init__(self, store: Store, claims: Claims, before: Mapping[str, object], say: Say) -> None:
        self._store, self._claims, self._before, self._say = store, claims, before, say
        self._elsewhere: list[TrialSpec] = []

    def claim(self, spec: TrialSpec) -> bool:
        """Whether this driver runs a trial: no other one has claimed or done it meanwhile."""
        if not self._done(spec):
            taken = self._claims.take(spec.key)
            if isinstance(taken, Holder):
                self._say(f"taking over {trial_words(spec)} from another genbench ({taken}), which is gone")
            # asked again: another driver may have finished it in between. On NFS, only now that this one has made a
            # file in the folder does it see all that are there
            if taken and not self._done(spec):
                return True
            if taken:
                self._claims.release(spec.key)
        self._elsewhere.append(spec)
        return False

    def release(self, key: str) -> None:
        """Release the claim of a finished trial."""
        self._claims.release(key)

    def of_others(self, stop: Stop) -> Iterator[TrialRecord]:
        """Yield the records of trials that other drivers run.

        It ends when all are there, or when no driver runs one of them.
        """
        said = set[str]()
        stop.may_begin(0)  # none runs here
        while self._elsewhere and not stop.asked:
            held: dict[str, Holder] = {}
            waiting = []
            for spec in self._elsewhere:
                if not self._done(spec):
                    waiting.append(spec)
                    if holder := self._claims.holder(spec.key):
                        held[spec.key] = holder
                    continue
                try:
                    record = self._store.read(spec.key)
                except CorruptFile:
                    continue
                yield record
            self._elsewhere = waiting
            if not held or len(held) < len(waiting):
                return
            if who := {str(each) for each in held.values()} - said:
                said |= who
                self._say(_waiting(held))
            time.sleep(POLL)

    def left(self) -> list[TrialSpec]:
        """Return, once, the trials of other drivers that are not done."""
        left, self._elsewhere = self._elsewhere, []
        return left

    def _done(self, spec: TrialSpec) -> bool:
        return self._store.stamp(spec.key) != self._before.get(spec.key)


def trial_words(spec: TrialSpec | TrialRecord) -> str:
    """Return the name of a trial as text."""
    return f"{spec.model} on {spec.dataset}, seed {spec.seed}"


def _waiting(held: Mapping[str, Holder]) -> str:
    """Return who is waited for."""
    number = len(held)
    by = ", ".join(f"{n} by {who}" if n < number else who for who, n in Counter(map(str, held.values())).items())
    return f"{number} trial{' is' if number == 1 else 's are'} being done by another genbench ({by}); waiting"
