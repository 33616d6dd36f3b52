"""A run's folder while its trials are carried out: locked, its record up to date, under a progress bar."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.environment import environment
from genbench.core.hardware import cores
from genbench.core.types import Say
from genbench.runs.plan import Plan
from genbench.runs.runner import Done, perform_all, remaining, tidy
from genbench.runs.step_counts import timed
from genbench.runs.stopping import Stop
from genbench.storage.races import Race
from genbench.storage.records import RunRecord, TrialRecord, TrialSpec
from genbench.storage.run_record import repaired
from genbench.storage.store import CorruptFile, Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Session", "Workers", "session"]


@dataclass(frozen=True)
class Workers:
    """What carries out trials.

    Attributes:
        jobs: worker processes; 0 is this process; None for as many as keep all cores busy.
        seconds: after which a trial is stopped.
        retry_failed: whether trials that failed run again.
        progress: whether a bar is shown.
    """

    jobs: int | None
    seconds: float
    retry_failed: bool
    progress: bool
    execution: ExecutionOptions

    def number(self, plan: Plan, say: Say) -> int:
        """Return the number of worker processes: none where they could not import a plugin."""
        cards = [(MODELS[t.model_name], DATASETS[t.dataset_name]) for t in plan.trials]
        if self.jobs != 0 and not all(model.portable and dataset.portable for model, dataset in cards):
            say("a plugin lives in the calling script: running in this process; a file of its own can run in parallel")
            return 0
        return max(1, cores() // self.execution.threads) if self.jobs is None else self.jobs


@dataclass(frozen=True)
class Session:
    """The folder of a run that is held by this process; `plan` has all trials that may be asked for."""

    plan: Plan
    store: Store
    jobs: int
    workers: Workers
    say: Say

    def enter(self, trials: Sequence[TrialSpec], races: dict[str, Race] | None = None) -> None:
        """Put trials into the run's table, in the place of those that they replace.

        Args:
            races: how the seeds of each table were decided on; None leaves what is known of tables that stay as they
                are.
        """
        record = repaired(self.store, self.say)
        record.files |= {t.dataset_params["path"]: t.data_fingerprint for t in trials if "path" in t.dataset_params}
        before = record.trials
        record.trials, replaced, others = _supersede(before, trials, self.plan, self.store)
        for label in others:
            self.say(f"{label}: other data than before under this name; the table shows the new ones")
        record.races = {place: race for place, race in record.races.items() if place not in replaced} | (races or {})
        self.store.write_run(record)

    def perform(self, trials: Sequence[TrialSpec], heading: str = "trials", resumed: bool = True) -> list[TrialRecord]:
        """Run those of some trials that are not finished yet, under a bar with a heading, and return their records.

        Args:
            resumed: whether it is said how many are finished already.
        """
        todo, notes = remaining(trials, self.store, self.workers.retry_failed)
        for note in notes:
            self.say(note)
        if resumed and len(todo) < len(trials):
            self.say(f"{len(trials) - len(todo)} of {len(trials)} trials are finished already in {self.store.path}")
        if begun := len(self.store.checkpoints().keys() & {spec.key for spec in todo}):
            self.say(f"{begun} of them {'goes' if begun == 1 else 'go'} on from a checkpoint")
        found: list[TrialRecord] = []
        stop = Stop(len(trials), self.say)
        stop.done = len(trials) - len(todo)
        with _bar(len(todo), heading, self.workers.progress, self.say) as shown, stop.listening():

            def done(trial: TrialRecord) -> None:
                found.append(trial)
                shown(trial)

            execution = replace(self.workers.execution, progress=self.workers.progress and self.jobs <= 1)
            perform_all(
                todo, self.store, min(self.jobs, max(1, len(todo))), self.workers.seconds, done, execution, stop
            )
        return found


@contextmanager
def session(
    plan: Plan, store: Store, workers: Workers, data_dir: str | None, say: Say, request: Mapping[str, Any]
) -> Iterator[Session]:
    """Lock a run's folder and note the request; all numbers of steps are known in what comes."""
    store.create()
    with store.lock():
        jobs = workers.number(plan, say)
        plan = timed(plan, store, jobs > 0, data_dir, say)
        _note(repaired(store, say), store, plan, workers.execution, {**request, "trials": len(plan.trials)})
        tidy(plan.trials, store)
        yield Session(plan, store, jobs, workers, say)


def _note(record: RunRecord, store: Store, plan: Plan, execution: ExecutionOptions, request: Mapping[str, Any]) -> None:
    """Put a request into the run's record, and the environment of the first one: trials have their own."""
    if not record.environment and not store.finished():
        here = {"command": request["command"], "device": execution.device, "threads": execution.threads}
        record.environment = environment() | here
    record.data |= plan.data
    record.ask(dict(request))
    store.write_run(record)


def _supersede(
    before: list[str], trials: Sequence[TrialSpec], plan: Plan, store: Store
) -> tuple[list[str], set[str], list[str]]:
    """Return the keys of a run's table, the tables that lose a trial, and datasets of other data under the same name.

    The keys are those of the trials, and of the earlier ones that the plan does not replace.
    """
    planned = {spec.identity: spec for spec in plan.trials}
    kept, replaced, others = [], set[str](), []
    entered = {spec.key for spec in trials}
    for key in before:
        try:
            spec = store.read(key).spec if store.has(key) else None
        except CorruptFile:
            continue
        if spec is None or key in entered:
            continue
        new = planned.get(spec.identity)
        if new is None or new.key == key:
            kept.append(key)
            continue
        replaced.add(spec.place)
        if spec.data_fingerprint != new.data_fingerprint:
            others.append(spec.dataset)
    return [*kept, *(spec.key for spec in trials)], replaced, list(dict.fromkeys(others))


@contextmanager
def _bar(total: int, heading: str, shown: bool, say: Say) -> Iterator[Done]:
    """Show a progress bar over trials, and give what is called with each record: failures are said above the bar."""
    from tqdm.auto import tqdm

    hidden = not shown or total == 0 or bool(os.environ.get("TQDM_DISABLE"))
    with tqdm(total=total, desc=heading, unit="trial", disable=hidden) as bar:

        def done(trial: TrialRecord) -> None:
            if trial.error:
                where = f"{trial.model} on {trial.dataset}, seed {trial.seed}"
                with bar.external_write_mode():
                    say(f"{where}: {trial.status} {trial.error}")
            bar.update()

        yield done
