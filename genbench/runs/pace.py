"""How long trials take, by those that are finished, and how long that leaves to a run."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.storage.records import TrialRecord, TrialSpec

__all__ = ["Pace", "duration", "parse_duration"]

UNITS = {"h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
PARTS = ("train_seconds", "sample_seconds", "log_prob_seconds", "score_seconds")


def parse_duration(given: str | float) -> float:
    """Return the seconds of "2h", "1h30m", "90min", "45s", or of a number of seconds.

    >>> parse_duration("1h30m"), parse_duration("0.5h"), parse_duration(20)
    (5400.0, 1800.0, 20.0)

    Raises:
        GenbenchError: it is none of these, or no time at all.
    """
    text = (given if isinstance(given, str) else f"{given:.9f}").replace(" ", "")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|min|m|s)?", text)
    whole = "".join(number + unit for number, unit in parts)
    bare = sum(not unit for _, unit in parts)
    if whole != text or not parts or (bare and len(parts) > 1):
        raise GenbenchError(f"time '{given}' cannot be read; write hours, minutes or seconds: 2h, 1h30m, 45s")
    seconds = sum(float(number) * UNITS[unit or "s"] for number, unit in parts)
    if seconds <= 0:
        raise GenbenchError(f"time '{given}' leaves nothing to run; give more")
    return seconds


def duration(seconds: float) -> str:
    """Return seconds in words, to two units.

    >>> duration(42.4), duration(330), duration(9000)
    ('42 s', '6 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


@dataclass
class Pace:
    """Wall seconds of trials, by model and dataset.

    Attributes:
        workers: trials that run at one time.
        limit: seconds that this session may take, from when this was made; None for any.
    """

    workers: int
    limit: float | None = None
    start: float = field(default_factory=time.monotonic)
    taken: dict[tuple[str, str], dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    around: list[float] = field(default_factory=list)  # worker seconds that a trial takes beside what its record says

    def note(self, records: Iterable[TrialRecord]) -> None:
        """Note what finished trials took."""
        for record in records:
            self.taken[record.model, record.dataset][record.key] = _seconds(record)

    def measure(self, records: Sequence[TrialRecord], wall: float) -> None:
        """Note what trials took that were run together in `wall` seconds: starting and loading count, too."""
        if records:
            own = sum(map(_seconds, records))
            self.around.append(max(0.0, wall * min(self.workers, len(records)) - own) / len(records))
        self.note(records)

    @property
    def left(self) -> float:
        """Seconds until the limit; infinite without one."""
        return float("inf") if self.limit is None else self.limit - (time.monotonic() - self.start)

    def estimate(self, trials: Sequence[TrialSpec]) -> float:
        """Return about how many wall seconds trials will take; models that are unknown take as long as others."""
        known = {each: float(np.mean(list(found.values()))) for each, found in self.taken.items() if found}
        usual = float(np.mean(list(known.values()))) if known else 0.0
        each = [known.get((spec.model, spec.dataset), usual) + self.beside for spec in trials]
        return max(sum(each) / self.workers, max(each, default=0.0))

    @property
    def beside(self) -> float:
        """Seconds that a trial takes beside what its record says."""
        return float(np.mean(self.around)) if self.around else 0.0


def _seconds(record: TrialRecord) -> float:
    if record.error:
        return record.error.seconds
    return float(sum(getattr(record.cost, part) or 0.0 for part in PARTS))
