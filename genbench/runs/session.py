"""A run's folder while its trials run: claimed, with a current record and progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.environment import environment
from genbench.core.errors import GenbenchError
from genbench.core.files import any_ending_in, from_here
from genbench.core.hardware import cores
from genbench.core.progress import chosen_form, shown_progress
from genbench.core.types import Say
from genbench.runs.executors.base import Executor
from genbench.runs.executors.dask_cluster import DaskRequest
from genbench.runs.executors.here import Here
from genbench.runs.executors.processes import Processes
from genbench.runs.pace import TimeLeft
from genbench.runs.plan import Plan
from genbench.runs.runner import perform_all, remaining, tidy
from genbench.runs.sharing import Sharing, trial_words
from genbench.runs.step_counts import timed
from genbench.runs.stopping import Stop
from genbench.storage.claims import Claims, entered
from genbench.storage.races import Race
from genbench.storage.records import RunRecord, TrialRecord, TrialSpec
from genbench.storage.run_record import edited_run, known
from genbench.storage.stamps import Stamp, stamps_in
from genbench.storage.store import CorruptFile, Store
from genbench.storage.summaries import Summaries
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Session", "Workers", "session"]


@dataclass(frozen=True)
class Workers:
    """The workers that run trials.

    Attributes:
        jobs: number of worker processes; 0 is this process; None for as many as keep all cores busy.
        dask: a cluster instead of worker processes, or None.
        seconds: time limit of a trial.
        retry_failed: whether failed trials run again.
        progress: the form of progress, see `genbench.core.progress`.
    """

    jobs: int | None
    seconds: float
    retry_failed: bool
    progress: bool | str
    execution: ExecutionOptions
    dask: DaskRequest | None = None

    @property
    def are_processes(self) -> bool:
        """Whether they are worker processes of this machine, if that is known before planning."""
        known = [card for group in (MODELS, DATASETS) for card in group.cards.values()]
        return self.jobs != 0 and self.dask is None and all(card.portable for card in known)

    @contextmanager
    def executor(self, plan: Plan, say: Say) -> Iterator[Executor]:
        """Yield the executor of trials.

        Raises:
            GenbenchError: the cluster does not exist, or cannot run these trials.
        """
        jobs = self._number(plan, say)
        if self.dask is None:
            if jobs:
                yield Processes(jobs, self.seconds, self.execution)
            else:  # a worker prints to a log
                yield Here(replace(self.execution, progress=chosen_form(self.progress) == "bar"))
            return
        if jobs == 0:
            raise GenbenchError(
                "a plugin is defined in the script that was started, which a cluster does not have; move it to a file"
            )
        from genbench.runs.executors.dask import on_dask

        with on_dask(self.dask, self.seconds, self.execution, say) as executor:
            yield executor

    def _number(self, plan: Plan, say: Say) -> int:
        """Return the number of worker processes: none where they could not import a plugin."""
        cards = [(MODELS[t.model_name], DATASETS[t.dataset_name]) for t in plan.trials]
        if self.jobs != 0 and not all(model.portable and dataset.portable for model, dataset in cards):
            say(
                "a plugin is defined in the script that was started, so trials run one by one; in a file of its own "
                "they can run in parallel"
            )
            return 0
        return max(1, cores() // self.execution.threads) if self.jobs is None else self.jobs


@dataclass(frozen=True)
class Session:
    """The folder of a run in which this process is a driver.

    `plan` has all trials that may be asked for.
    """

    plan: Plan
    store: Store
    executor: Executor
    workers: Workers
    claims: Claims
    say: Say

    @property
    def jobs(self) -> int:
        """The number of trials that run at a time; 0 means one in this process."""
        return self.executor.jobs

    def enter(self, trials: Sequence[TrialSpec], races: dict[str, Race] | None = None) -> None:
        """Add trials to the run's table. They replace others of the same row and seed.

        Args:
            races: how the seeds of each table were selected. None keeps what is known about unchanged tables.
        """
        Summaries(self.store).look(known(self.store).trials)  # which takes long, and nobody has to wait for it
        with edited_run(self.store, self.say) as record:
            record.files |= {t.dataset_params["path"]: t.data_fingerprint for t in trials if "path" in t.dataset_params}
            finished = Summaries(self.store)
            begun = bool(self.claims.others())
            record.trials, replaced, others = _supersede(record.trials, trials, self.plan, finished, begun)
            kept = {place: race for place, race in record.races.items() if place not in replaced}
            record.races = kept | (races or {})
        for label in others:
            self.say(f"{label}: other data than before under this name; the table shows the new ones")

    def perform(self, trials: Sequence[TrialSpec], heading: str = "trials", resumed: bool = True) -> list[TrialRecord]:
        """Run the unfinished ones among some trials, and return the records of all.

        A progress bar with a heading is shown.

        Args:
            resumed: whether to print how many are finished already.
        """
        before: dict[str, Stamp | None] = {**stamps_in(self.store.trials)}
        todo, notes = remaining(trials, self.store, self.workers.retry_failed)
        before |= {spec.key: None for spec in todo if not self.store.has(spec.key)}  # corrupt ones were set aside
        for note in notes:
            self.say(note)
        if resumed and len(todo) < len(trials):
            where = from_here(self.store.path)
            self.say(f"{len(trials) - len(todo)} of {len(trials)} trials are finished already in {where}")
        if begun := len(self.store.checkpoints().keys() & {spec.key for spec in todo}):
            self.say(f"{begun} of them {'resumes' if begun == 1 else 'resume'} from a checkpoint")
        found: list[TrialRecord] = []
        stop = Stop(len(trials), self.say)
        stop.done = len(trials) - len(todo)
        left = TimeLeft(todo, self.jobs, _like(todo, self.store))
        with shown_progress(len(todo), heading, "trial", self.workers.progress, left) as shown, stop.listening():

            def done(trial: TrialRecord) -> None:
                found.append(trial)
                left.done(trial)
                if trial.error:
                    with shown.aside():
                        self.say(f"{trial_words(trial)}: {trial.status} {trial.error}")
                shown.step(model=trial.model, dataset=trial.dataset, seed=trial.seed, status=trial.status)

            sharing = Sharing(self.store, self.claims, before, self.say)
            perform_all(todo, self.store, self.executor, sharing, done, stop)
        return found


@contextmanager
def session(
    plan: Plan, store: Store, workers: Workers, data_dir: str | None, say: Say, request: Mapping[str, Any]
) -> Iterator[Session]:
    """Become a driver of a run's folder, and add the request to its record.

    The numbers of steps are known in what it yields.
    """
    store.create()
    with entered(store) as claims, workers.executor(plan, say) as executor:
        plan = timed(plan, store, executor.jobs > 0, data_dir, say)
        with edited_run(store, say) as record:
            _note(record, store, plan, workers.execution, {**request, "trials": len(plan.trials)})
        tidy(plan.trials, store, claims)
        yield Session(plan, store, executor, workers, claims, say)


def _note(record: RunRecord, store: Store, plan: Plan, execution: ExecutionOptions, request: Mapping[str, Any]) -> None:
    """Put a request into the run's record, and the environment of the first one: trials have their own."""
    if not record.environment and not any_ending_in(store.trials, ".json"):
        here = {"command": request["command"], "device": execution.device, "threads": execution.threads}
        record.environment = environment() | here
    record.data |= plan.data
    record.ask({"time": datetime.now(UTC).isoformat(timespec="seconds"), **request})


def _supersede(
    before: list[str], trials: Sequence[TrialSpec], plan: Plan, finished: Summaries, begun: bool
) -> tuple[list[str], set[str], list[str]]:
    """Return the keys of a run's table, the tables that lose a trial, and datasets of other data under the same name.

    The keys are those of the trials, and of the earlier ones that the plan does not replace.

    Args:
        begun: whether those that are not finished may be another driver's, which has them to do.
    """
    planned = {spec.identity: spec for spec in plan.trials}
    kept, replaced, others = [], set[str](), []
    entered = {spec.key for spec in trials}
    for key in before:
        if key in entered:
            continue
        if key not in finished:
            kept += [key] * begun
            continue
        try:
            one = finished[key]
        except CorruptFile:
            continue
        new = planned.get(one.identity)
        if new is None or new.key == key:
            kept.append(key)
            continue
        replaced.add(one.place)
        if one.data_fingerprint != new.data_fingerprint:
            others.append(one.dataset)
    return [*kept, *(spec.key for spec in trials)], replaced, list(dict.fromkeys(others))


def _like(todo: Sequence[TrialSpec], store: Store) -> list[TrialRecord]:
    """Return a finished trial of each model on each of its data sets, which tells how long the others take."""
    pairs = {(spec.model, spec.dataset) for spec in todo}
    if not pairs:  # a look at all that is finished takes long in a large run
        return []
    found = []
    for (_, model, dataset, _), keys in Summaries(store).keys_of.items():
        if (model, dataset) in pairs:
            pairs.discard((model, dataset))
            with suppress(CorruptFile):
                found.append(store.read(keys[-1]))
    return found
