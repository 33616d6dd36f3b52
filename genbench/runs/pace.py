"""The time that trials take, from finished ones, and the time that is left for a run."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from genbench.storage.records import TrialRecord, TrialSpec

__all__ = ["Pace", "TimeLeft"]

PARTS = ("train_seconds", "sample_seconds", "log_prob_seconds", "score_seconds")


@dataclass
class Pace:
    """The wall-clock seconds of trials, by model and dataset.

    Attributes:
        workers: number of trials that run at a time.
        limit: seconds for this session, counted from its beginning; None for any number.
    """

    workers: int
    limit: float | None = None
    start: float = field(default_factory=time.monotonic)
    taken: dict[tuple[str, str], dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    around: list[float] = field(default_factory=list)  # worker seconds that a trial takes beside what its record says

    def note(self, records: Iterable[TrialRecord]) -> None:
        """Add the times of finished trials."""
        for record in records:
            self.taken[record.model, record.dataset][record.key] = _seconds(record)

    def measure(self, records: Sequence[TrialRecord], wall: float) -> None:
        """Add the times of trials that ran together in `wall` seconds.

        Starting and loading are included.
        """
        if records:
            own = sum(map(_seconds, records))
            self.around.append(max(0.0, wall * min(self.workers, len(records)) - own) / len(records))
        self.note(records)

    @property
    def left(self) -> float:
        """The seconds until the limit; infinite without one."""
        return float("inf") if self.limit is None else self.limit - (time.monotonic() - self.start)

    def estimate(self, trials: Sequence[TrialSpec]) -> float:
        """Return about how many wall-clock seconds trials will take.

        Unknown models are assumed to take as long as others.
        """
        known = {each: float(np.mean(list(found.values()))) for each, found in self.taken.items() if found}
        usual = float(np.mean(list(known.values()))) if known else 0.0
        each = [known.get((spec.model, spec.dataset), usual) + self.beside for spec in trials]
        return max(sum(each) / self.workers, max(each, default=0.0))

    @property
    def beside(self) -> float:
        """The seconds of a trial that its record does not include."""
        return float(np.mean(self.around)) if self.around else 0.0


def _seconds(record: TrialRecord) -> float:
    if record.error:
        return record.error.seconds
    return float(sum(getattr(record.cost, part) or 0.0 for part in PARTS))


class TimeLeft:
    """The time that the rest of some trials will take, from finished ones.

    A call returns the seconds. A trial is assumed to take as long as finished ones of its model on its data, else of
    its model, else of all; in the last case at least the time since the last one ended. When a trial ends, the other
    running ones are assumed to be half done.

    Args:
        trials: trials to do.
        workers: number of trials that run at a time.
        earlier: finished trials, whose times are used.
        clock: returns seconds.
    """

    def __init__(
        self,
        trials: Iterable[TrialSpec],
        workers: int,
        earlier: Iterable[TrialRecord] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left = {spec.key: (spec.model, spec.dataset) for spec in trials}
        self._workers = max(1, workers)
        self._taken: dict[tuple[str, ...], list[float]] = defaultdict(list)
        self._clock, self._begin, self._last = clock, clock(), clock()
        self._own, self._done = 0.0, 0
        for record in earlier:
            self._note(record)

    def done(self, record: TrialRecord) -> None:
        """Record that a trial is finished."""
        self._left.pop(record.key, None)
        self._note(record)
        self._own, self._done, self._last = self._own + _seconds(record), self._done + 1, self._clock()

    def __call__(self) -> float | None:
        """Return the seconds that are left; None while no trial is known that tells."""
        if not self._left:
            return 0.0
        if not self._taken[()]:
            return None
        waited = self._clock() - self._last
        each = [self._usual(*pair, waited) for pair in self._left.values()]
        running = min(self._workers, len(each))
        begun = 0.5 * (running - 1) * sum(each) / len(each)
        at_last = self._slower(begun) * (sum(each) - begun) / running
        return max(0.0, at_last - waited)

    def _slower(self, begun: float) -> float:
        """Return how many times longer trials take than their records say, since starting and waiting count, too."""
        if self._done < self._workers:
            return 1.0
        return max(1.0, (self._last - self._begin) * self._workers / max(self._own + begun, 1e-9))

    def _usual(self, model: str, dataset: str, waited: float) -> float:
        """Return the seconds of a trial; of an unknown model at least as long as has been waited for those that run.

        Else a few that failed at once would tell that the others are nearly done, however long they take.
        """
        known = self._taken.get((model, dataset)) or self._taken.get((model,))
        if known:
            return sum(known) / len(known)
        return max(sum(self._taken[()]) / len(self._taken[()]), waited)

    def _note(self, record: TrialRecord) -> None:
        for group in ((record.model, record.dataset), (record.model,), ()):
            self._taken[group].append(_seconds(record))
