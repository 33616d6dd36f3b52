"""The environment of a run, from its trials.

For older trials, which do not store it, it comes from the run's record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from genbench.storage.provenance import Environment
from genbench.storage.records import TrialRecord

__all__ = ["differences", "facts_of", "in_words", "origin"]

FACTS = ("genbench", "commit", "system", "processor", "cores", "device", "threads")  # of an environment, by name


def facts_of(trials: Sequence[TrialRecord], recorded: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """Return the facts of an environment by name, with their values and numbers of trials.

    Args:
        recorded: the facts in the run's record, for trials that do not store their own.
    """
    found: dict[str, Counter[str]] = {}
    plain = _flat(recorded)
    for trial in trials:
        ran = trial.provenance
        here = {} if trial.spec.outside else _of(ran) if ran.known else plain | ran.versions
        for name, value in here.items():
            found.setdefault(name, Counter())[str(value)] += 1
        if ran.scored is not None:
            what = "samples from outside scored by" if trial.spec.outside else "scored again by"
            found.setdefault(what, Counter())[_short(ran.scored)] += 1
    return found


def in_words(values: Counter[str]) -> str:
    """Return the values of a fact as text, the most frequent first.

    If there are several, each has its number of trials.
    """
    if len(values) == 1:
        return next(iter(values))
    return ", ".join(f"{value} ({number} trial{'' if number == 1 else 's'})" for value, number in values.most_common())


def differences(before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]) -> list[str]:
    """Return the differences between the facts of two runs, as text.

    Numbers of trials do not count.
    """
    names = [name for name in dict.fromkeys([*before, *after]) if set(before.get(name, ())) != set(after.get(name, ()))]
    sides = [[" and ".join(side.get(name, ())) or "unknown" for side in (before, after)] for name in names]
    return [f"{name}: {old} -> {new}" for name, (old, new) in zip(names, sides, strict=True)]


def origin(trials: Sequence[TrialRecord], recorded: Mapping[str, Any]) -> str:
    """Return which code made the last of the trials, as a sentence."""
    last = max((trial.provenance for trial in trials if trial.provenance.known), key=lambda p: p.time, default=None)
    libraries = recorded.get("libraries")
    version = libraries.get("genbench") if isinstance(libraries, dict) else None
    commit = recorded.get("commit")
    if last is not None:
        version, commit = last.genbench, last.commit
    words = [f"genbench {version}"] if version else ["genbench"]
    return f"Last trained by {' '.join([*words, *([f'at commit {commit}'] if commit else [])])}."


def _of(ran: Environment) -> dict[str, Any]:
    facts = {name: getattr(ran, name) for name in FACTS}
    return ran.versions | {name: value for name, value in facts.items() if value not in ("", None)}


def _short(scored: Environment) -> str:
    code = f"genbench {scored.genbench}{f' at commit {scored.commit}' if scored.commit else ''}"
    return f"{code}, torch {scored.versions.get('torch', 'unknown')}, {scored.processor or 'unknown processor'}"


def _flat(recorded: Mapping[str, Any]) -> dict[str, Any]:
    libraries = recorded.get("libraries")
    facts = {name: fact for name, fact in recorded.items() if name not in ("command", "libraries")}
    parts = facts | (libraries if isinstance(libraries, dict) else {})
    return {str(name): value for name, value in parts.items() if value is not None}
