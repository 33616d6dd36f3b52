"""Merging of runs: trials from several machines in one table."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.core.files import link_or_copy
from genbench.core.regular_files import link_outside
from genbench.storage.records import RunRecord, TrialRecord
from genbench.storage.store import ARRAYS, DATA, LOGS, SWEEPS, WEIGHTS, Store

__all__ = ["Conflicts", "Merged", "merge"]

LATEST = "latest"
WORDS = 3  # of what differs between two trials that a line names; by hand


class Conflicts(GenbenchError):
    """Runs have different trials for the same row and seed; `lines` has a line for each."""

    def __init__(self, lines: Sequence[str], message: str) -> None:
        super().__init__(message)
        self.lines = list(lines)


@dataclass
class Merged:
    """The result of a merge.

    Attributes:
        trials: number of trials from each run.
        lines: a line for each conflict, with the trial that was taken.
        notes: what was left out.
    """

    path: Path
    trials: dict[str, int]
    lines: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Trial:
    run: RunData
    record: TrialRecord

    @property
    def made(self) -> str:
        """When it was made; trials that do not say are older than those that do."""
        return self.record.provenance.latest


def merge(runs: Sequence[RunData], out: Path, prefer: str | None = None) -> Merged:
    """Write a run with the trials in the tables of several runs, which do not change.

    Args:
        out: a new or empty folder.
        prefer: which of two conflicting trials to take: that of a run, given by its folder, or "latest".

    Raises:
        Conflicts: two trials of the same row and seed differ, and none is preferred.
        GenbenchError: there are fewer than two runs, `out` is not empty, or it cannot be written.
    """
    _check(runs, out, prefer)
    chosen: dict[tuple[str, str, str, int], _Trial] = {}
    lines = []
    for run in runs:
        for record in run.trials:
            new = _Trial(run, record)
            old = chosen.setdefault(record.spec.identity, new)
            if old is not new and (difference := _difference(old, new)):
                taken = _preferred(old, new, prefer)
                chosen[record.spec.identity] = taken
                where = f"{record.model} on {record.place}, seed {record.seed}"
                which = f"; taken from {taken.run.path}" if prefer else ""
                lines.append(f"{where}: {old.run.path} and {run.path} differ: {difference}{which}")
    if lines and prefer is None:
        raise Conflicts(
            lines,
            f"{len(lines)} trial{'' if len(lines) == 1 else 's'} of these runs differ, and nothing was written; add "
            f"--prefer {LATEST}, or --prefer {runs[0].path} or another run's folder",
        )
    trials = list(chosen.values())
    counts = {str(run.path): sum(trial.run is run for trial in trials) for run in runs}
    merged = Merged(out, counts, lines, [problem for run in runs for problem in run.problems])
    try:
        _write(runs, trials, out, merged.notes)
    except OSError as error:
        raise GenbenchError(f"cannot write {out}: {error.strerror or error}; choose another --output") from None
    return merged


def _check(runs: Sequence[RunData], out: Path, prefer: str | None) -> None:
    if len({run.path.resolve() for run in runs}) < 2:
        raise GenbenchError("merge needs two runs or more; name the folder of each")
    known = {str(run.path) for run in runs}
    if prefer not in (None, LATEST) and str(Path(prefer).absolute()) not in known:
        raise GenbenchError(f"--prefer {prefer} is none of these runs; give {LATEST}, or the folder of one of them")
    if os.path.lexists(out) and (not out.is_dir() or any(out.iterdir())):
        raise GenbenchError(f"{out} is not empty, and nothing is overwritten; choose a new folder")


def _difference(old: _Trial, new: _Trial) -> str:
    """Return what differs between two trials of one row and seed; "" if they have the same key and scores."""
    a, b = old.record, new.record
    if a.key != b.key:
        words = b.spec.differences(a.spec) or ["another form of their specs"]
        more = f" and {len(words) - WORDS} more" if len(words) > WORDS else ""
        return "; ".join(words[:WORDS]) + more
    if a.status != b.status:
        return f"{a.status} and {b.status}"
    names = dict.fromkeys([*a.metrics, *b.metrics])
    other = [name for name in names if a.metrics.get(name) != b.metrics.get(name)]
    if not other:
        return ""
    first = f"{other[0]} is {a.metrics.get(other[0])} and {b.metrics.get(other[0])}"
    return first + (f", and {len(other) - 1} other scores" if len(other) > 1 else "")


def _preferred(old: _Trial, new: _Trial, prefer: str | None) -> _Trial:
    if prefer is None or prefer == LATEST:
        return new if new.made > old.made else old
    return new if new.run.path == Path(prefer).absolute() else old


def _write(runs: Sequence[RunData], trials: Sequence[_Trial], out: Path, notes: list[str]) -> None:
    """Write the run beside its place, and move it there when it is whole."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        store = Store(Path(beside) / out.name)
        store.create()
        for trial in trials:
            _take_trial(trial, store)
        for run in runs:
            _take_data(run, store, notes)
        store.write_run(_record(runs, trials, out.name))
        if out.exists():
            out.rmdir()
        store.path.rename(out)


def _take_trial(trial: _Trial, store: Store) -> None:
    """Copy the record of a trial, and share its samples, weights, log and sweep."""
    key, source = trial.record.key, trial.run.store
    for folder, name in (
        ("trials", f"{key}.json"), ("trials", f"{key}{ARRAYS}"), ("trials", f"{key}{WEIGHTS}"),
        (LOGS, f"{key}.log"), (SWEEPS, f"{key}.json"),
    ):  # fmt: skip
        file, target = source.path / folder / name, store.path / folder / name
        if not file.is_file() or link_outside(file, source.path):
            continue
        target.parent.mkdir(exist_ok=True)
        if file.suffix in (ARRAYS, WEIGHTS):  # large, and never written to
            link_or_copy(file, target)
        else:
            shutil.copy2(file, target)


def _take_data(run: RunData, store: Store, notes: list[str]) -> None:
    """Copy the files of data in hand; their names hold a digest, so that one name is one content."""
    for file in sorted((run.path / DATA).glob("*")):
        target = store.path / DATA / file.name
        if not file.is_file() or link_outside(file, run.path):
            continue
        if target.exists() and not filecmp.cmp(file, target, shallow=False):
            notes.append(f"{file} is not the file of that name of another run; left out")
            continue
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(file, target)


def _record(runs: Sequence[RunData], trials: Sequence[_Trial], name: str) -> RunRecord:
    """Return the record of a run of several: all requests, and of all else what the first of them says."""
    merged = RunRecord(name=name, trials=[trial.record.key for trial in trials])
    for run in reversed(runs):
        merged.data |= run.record.data
        merged.step_counts |= run.record.step_counts
        merged.files |= run.record.files
    for run in runs:
        for request in run.record.requests:
            merged.ask(request)
    environments = [run.record.environment for run in runs]
    if all({**one, "command": None} == {**environments[0], "command": None} for one in environments):
        merged.environment = environments[0]
    places = {place: {id(trial.run) for trial in trials if trial.record.place == place} for place in _places(trials)}
    for run in runs:  # a race is that of a table which is whole from one run
        whole = {place: race for place, race in run.record.races.items() if places.get(place) == {id(run)}}
        merged.races |= whole
    return merged


def _places(trials: Sequence[_Trial]) -> list[str]:
    return list(dict.fromkeys(trial.record.place for trial in trials))
