"""Numbers of trials of a run, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from genbench.storage.records import TrialRecord

__all__ = ["count", "successes"]


def count(n: int, what: str) -> str:
    """Return a number of things as text: "1 seed", "3 seeds"."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def successes(trials: Sequence[TrialRecord]) -> str:
    """Return how many trials succeeded, and how the others failed, as text.

    An example is "4 of 6 trials succeeded (2 diverged)".
    """
    statuses = Counter(str(trial.status) for trial in trials)
    good = statuses.pop("ok", 0)
    if not statuses:
        return f"all {good} trials succeeded" if good > 1 else "its trial succeeded"
    failed = ", ".join(f"{n} {status}" for status, n in statuses.items())
    return f"{good} of {count(len(trials), 'trial')} succeeded ({failed})"
