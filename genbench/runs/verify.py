"""Whether the files of a run are unchanged, and whether trials give the same scores again."""

from __future__ import annotations

import random
import tempfile
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genbench.analysis.environments import differences, facts_of
from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError, collected_warnings
from genbench.core.hardware import choose_device
from genbench.core.interrupts import handled, stop_now
from genbench.core.recorded_plugins import discover_recorded
from genbench.core.registry import discover
from genbench.core.types import Say
from genbench.runs.executors.base import Gate
from genbench.runs.executors.here import Here
from genbench.runs.executors.processes import Processes
from genbench.runs.outside import scored_again
from genbench.runs.repeat import agreement, todays
from genbench.runs.runner import data_files
from genbench.storage.digests import Changed
from genbench.storage.limits import is_key
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import ARRAYS, WEIGHTS, NewerSchema, Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["CheckedFile", "Repeated", "Verification", "check_files", "verify"]

TIMEOUT = 3600.0  # seconds of a trial; the longest that `run` takes unless asked
HARMLESS = ("commit", "genbench", "cores")  # facts of an environment that no number depends on
KINDS = {".json": "records", ARRAYS: "samples", WEIGHTS: "weights"}


@dataclass(frozen=True)
class CheckedFile:
    """A file of a run and its state, with a clause that gives the reason.

    The states are "unchanged", "changed", "missing" and "without digests".
    """

    file: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Repeated:
    """A trial that should run again.

    Attributes:
        agreement: "bit", "rounding", "different", or "not repeated".
        words: how much scores differ, or why it was not repeated.
        environment: differences of the environment, such as "torch: 2.12 -> 2.13".
    """

    key: str
    model: str
    dataset: str
    seed: int
    agreement: str
    scores: int = 0
    largest: float = 0.0
    words: str = ""
    environment: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verification:
    """The result for a run's files, and for those of its trials that ran again.

    `left_out` are kinds of files.
    """

    files: list[CheckedFile]
    repeated: list[Repeated]
    left_out: list[str]
    seed: int

    @property
    def wrong(self) -> bool:
        """Whether a file was changed or is missing, or scores are different."""
        return bool(self.faults or any(one.agreement == "different" for one in self.repeated))

    @property
    def faults(self) -> list[CheckedFile]:
        """The files that were changed, or are missing while others of their kind exist."""
        there = [one for one in self.files if KINDS[Path(one.file).suffix] not in self.left_out]
        return [one for one in there if one.state in ("changed", "missing")]


def check_files(store: Store, keys: Sequence[str]) -> list[CheckedFile]:
    """Compare the files of trials with their digests.

    `keys` are those of the run's table, whose files should exist.
    """
    found = []
    for key in dict.fromkeys([*store.finished(), *keys]):
        if not is_key(key):
            found.append(CheckedFile(f"trials/{key[:200]}.json", "changed", "has a name that no trial has"))
        elif not store.has(key):
            found.append(CheckedFile(f"trials/{key}.json", "missing", "is in run.json and not there"))
        else:
            found += _check_trial(store, key)
    return found


def _check_trial(store: Store, key: str) -> list[CheckedFile]:
    name = f"trials/{key}"
    try:
        seal = store.seal(key, doubt=True)
    except GenbenchError as error:
        state = "without digests" if isinstance(error, NewerSchema) else "changed"
        text = str(error).removeprefix(str(store.trials / f"{key}.json")).strip()
        return [CheckedFile(f"{name}.json", state, text)]
    state = "without digests" if seal is None else "unchanged"
    found = [CheckedFile(f"{name}.json", state)]
    for ending in (ARRAYS, WEIGHTS):
        file = store.trials / f"{key}{ending}"
        if not file.exists():
            if seal is not None and ending in seal.files:
                found.append(CheckedFile(f"{name}{ending}", "missing", "is not there any more"))
            continue
        try:
            if seal is not None:
                seal.check(file, store.path)
            found.append(CheckedFile(f"{name}{ending}", state))
        except (Changed, OSError) as error:
            found.append(CheckedFile(f"{name}{ending}", "changed", str(error)))
    return found


def _left_out(files: Sequence[CheckedFile]) -> list[str]:
    """Return the kinds of files beside records of which there is none: they were not copied, and none is missed."""
    here = {Path(one.file).suffix for one in files if one.state != "missing"}
    gone = {Path(one.file).suffix for one in files if one.state == "missing"}
    return [KINDS[ending] for ending in (ARRAYS, WEIGHTS) if ending in gone - here]


def verify(
    run: RunData,
    trials: int | None = 3,
    seed: int | None = None,
    plugins: Sequence[str] = (),
    jobs: int = 1,
    say: Say = print,
) -> Verification:
    """Check the digests of a run's files, and run a random sample of its trials again.

    The trials run in a separate folder.

    Args:
        trials: number of trials to run again; None for all.
        seed: the seed that selects the trials; a new one unless given.
        plugins: files or folders with code, besides trusted code.
        jobs: number of worker processes; 0 is this process.
        say: called with the lines of the trials.

    Raises:
        GenbenchError: a number is out of range, or a plugin cannot be imported.
    """
    if trials is not None and trials < 0:
        raise GenbenchError(f"trials={trials} must not be negative; 0 checks the files alone")
    discover(tuple(plugins))
    discover_recorded(source for trial in run.trials for source in trial.spec.plugins)
    files = check_files(run.store, run.record.trials)
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    fine = [trial for trial in run.trials if trial.status == "ok"]
    chosen = fine if trials is None else random.Random(seed).sample(fine, min(trials, len(fine)))
    return Verification(files, _repeated(run, chosen, jobs, say), _left_out(files), seed)


def _repeated(run: RunData, chosen: Sequence[TrialRecord], jobs: int, say: Say) -> list[Repeated]:
    reasons: dict[str, str] = {}
    specs: dict[str, TrialSpec] = {}
    given: dict[str, TrialRecord] = {}
    for trial in chosen:
        try:
            spec = _as_it_was(trial)
            if spec.outside:
                given[trial.key] = scored_again(run.store, trial, spec)
            else:
                specs[trial.key] = spec
        except GenbenchError as error:
            reasons[trial.key] = str(error)
    ways: dict[tuple[str, int], list[TrialSpec]] = {}
    for trial in chosen:
        if trial.key in specs:
            ways.setdefault((_device(trial), trial.cost.threads), []).append(specs[trial.key])
    with tempfile.TemporaryDirectory(prefix="genbench-verify-") as folder, handled({"SIGINT": stop_now}):
        store = Store(folder)
        store.create()
        for (device, threads), todo in ways.items():
            options = ExecutionOptions(device=device, threads=threads, checkpoint_every=0)
            executor = Processes(jobs, TIMEOUT, options) if jobs else Here(options)
            with closing(executor.perform(todo, store, Gate())) as records:
                deque(records, maxlen=0)
        return [
            Repeated(**_identity(trial), agreement="not repeated", words=reasons[trial.key])
            if trial.key in reasons
            else _compared(run, trial, given.get(trial.key) or store.read(specs[trial.key].key))
            for trial in chosen
        ]


def _as_it_was(trial: TrialRecord) -> TrialSpec:
    """Return the spec of a trial as it would run today, if that is the same trial.

    Raises:
        GenbenchError: it is not; the message says what changed.
    """
    if trial.budget.endswith("s"):
        raise GenbenchError(f"its budget is {trial.budget}, and the number of steps in that time is not repeatable")
    with collected_warnings():
        spec = todays(trial.spec)
    changed = [
        *spec.differences(trial.spec),
        *(f"file {name} changed" for name in data_files(trial.provenance.files, trial.spec.plugins, spec)[0]),
    ]
    if changed:
        raise GenbenchError("; ".join(changed))
    return spec


def _device(trial: TrialRecord) -> str:
    """Return the device that a trial ran on, or the processor where that device is not here."""
    try:
        return choose_device(trial.provenance.device.partition(" ")[0] or "cpu")
    except GenbenchError:
        return "cpu"


def _compared(run: RunData, before: TrialRecord, after: TrialRecord) -> Repeated:
    found = agreement(before, after)
    facts = [facts_of([trial], run.record.environment) for trial in (before, after)]
    kept = [{name: values for name, values in one.items() if name not in HARMLESS} for one in facts]
    known = [{name: values for name, values in one.items() if name in kept[0] and name in kept[1]} for one in kept]
    return Repeated(
        **_identity(before), agreement=found.kind, scores=found.scores, largest=found.largest, words=found.words,
        environment=differences(*known),
    )  # fmt: skip


def _identity(trial: TrialRecord) -> dict[str, Any]:
    return {"key": trial.key, "model": trial.model, "dataset": trial.place, "seed": trial.seed}
