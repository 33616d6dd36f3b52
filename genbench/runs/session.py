"""A run's folder while its trials are carried out: claimed, its record up to date, under a progress bar."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.environment import environment
from genbench.core.errors import GenbenchError
from genbench.core.hardware import cores
from genbench.core.types import Say
from genbench.runs.executors.base import Executor
from genbench.runs.executors.dask_cluster import DaskRequest
from genbench.runs.executors.here import Here
from genbench.runs.executors.processes import Processes
from genbench.runs.plan import Plan
from genbench.runs.runner import Done, perform_all, remaining, tidy
from genbench.runs.sharing import Sharing
from genbench.runs.step_counts import timed
from genbench.runs.stopping import Stop
from genbench.storage.claims import Claims, entered
from genbench.storage.races import Race
from genbench.storage.records import RunRecord, TrialRecord, TrialSpec
from genbench.storage.run_edits import edited_run
from genbench.storage.store import CorruptFile, Store
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Session", "Workers", "session"]


@dataclass(frozen=True)
class Workers:
    """What carries out trials.

    Attributes:
        jobs: worker processes; 0 is this process; None for as many as keep all cores busy.
        dask: a cluster in the place of worker processes; None for none.
        seconds: after which a trial is stopped.
        retry_failed: whether trials that failed run again.
        progress: whether a bar is shown.
    """

    jobs: int | None
    seconds: float
    retry_failed: bool
    progress: bool
    execution: ExecutionOptions
    dask: DaskRequest | None = None

    @contextmanager
    def executor(self, plan: Plan, say: Say) -> Iterator[Executor]:
        """Give what runs trials.

        Raises:
            GenbenchError: there is no such cluster, or it cannot run these trials.
        """
        jobs = self._number(plan, say)
        if self.dask is None:
            options = replace(self.execution, progress=self.progress and jobs <= 1)
            yield Processes(jobs, self.seconds, options) if jobs else Here(options)
            return
        if jobs == 0:
            raise GenbenchError("a plugin lives in the calling script, which no cluster has; move it to a file")
        from genbench.runs.executors.dask import on_dask

        with on_dask(self.dask, self.seconds, replace(self.execution, progress=False), say) as executor:
            yield executor

    def _number(self, plan: Plan, say: Say) -> int:
        """Return the number of worker processes: none where they could not import a plugin."""
        cards = [(MODELS[t.model_name], DATASETS[t.dataset_name]) for t in plan.trials]
        if self.jobs != 0 and not all(model.portable and dataset.portable for model, dataset in cards):
            say("a plugin lives in the calling script: running in this process; a file of its own can run in parallel")
            return 0
        return max(1, cores() // self.execution.threads) if self.jobs is None else self.jobs


@dataclass(frozen=True)
class Session:
    """The folder of a run in which this process is a driver; `plan` has all trials that may be asked for."""

    plan: Plan
    store: Store
    executor: Executor
    workers: Workers
    claims: Claims
    say: Say

    @property
    def jobs(self) -> int:
        """Trials that run at a time; 0 means one in this process."""
        return self.executor.jobs

    def enter(self, trials: Sequence[TrialSpec], races: dict[str, Race] | None = None) -> None:
        """Put trials into the run's table, in the place of those that they replace.

        Args:
            races: how the seeds of each table were decided on; None leaves what is known of tables that stay as they
                are.
        """
        specs = _Specs(self.store)
        specs.look(_record(self.store).trials)  # which takes long, and nobody has to wait for it
        with edited_run(self.store, _record) as record:
            record.files |= {t.dataset_params["path"]: t.data_fingerprint for t in trials if "path" in t.dataset_params}
            specs.look(record.trials)
            begun = bool(self.claims.others())
            record.trials, replaced, others = _supersede(record.trials, trials, self.plan, specs.found, begun)
            kept = {place: race for place, race in record.races.items() if place not in replaced}
            record.races = kept | (races or {})
        for label in others:
            self.say(f"{label}: other data than before under this name; the table shows the new ones")

    def perform(self, trials: Sequence[TrialSpec], heading: str = "trials", resumed: bool = True) -> list[TrialRecord]:
        """Run those of some trials that are not finished yet, under a bar with a heading, and return their records.

        Args:
            resumed: whether it is said how many are finished already.
        """
        before = {spec.key: self.store.stamp(spec.key) for spec in trials}
        todo, notes = remaining(trials, self.store, self.workers.retry_failed)
        before |= {spec.key: None for spec in todo if not self.store.has(spec.key)}  # corrupt ones were set aside
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

            sharing = Sharing(self.store, self.claims, before, self.say)
            perform_all(todo, self.store, self.executor, sharing, done, stop)
        return found


@contextmanager
def session(plan: Plan, store: Store, workers: Workers, data_dir: str | None, say: Say) -> Iterator[Session]:
    """Be a driver of a run's folder and note the request; all numbers of steps are known in what comes."""
    store.create()
    with entered(store) as claims, workers.executor(plan, say) as executor:
        plan = timed(plan, store, executor.jobs > 0, data_dir, say)
        execution = workers.execution
        with edited_run(store, _record) as record:
            record.environment = environment() | {"device": execution.device, "threads": execution.threads}
            record.data |= plan.data
            record.ask({"command": record.environment["command"], "trials": len(plan.trials)})
        tidy(plan.trials, store, claims)
        yield Session(plan, store, executor, workers, claims, say)


def _record(store: Store) -> RunRecord:
    try:
        return store.read_run()
    except GenbenchError:
        return RunRecord(name=store.path.name)


class _Specs:
    """What trials of a run's table were, by key; None of those that are not finished. Corrupt ones are left out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.found: dict[str, TrialSpec | None] = {}

    def look(self, keys: Iterable[str]) -> None:
        """Read the trials that are not known yet."""
        for key in keys:
            if self.found.get(key) is None:
                with suppress(CorruptFile):
                    self.found[key] = self._store.read(key).spec if self._store.has(key) else None


def _supersede(
    before: list[str], trials: Sequence[TrialSpec], plan: Plan, known: Mapping[str, TrialSpec | None], begun: bool
) -> tuple[list[str], set[str], list[str]]:
    """Return the keys of a run's table, the tables that lose a trial, and datasets of other data under the same name.

    The keys are those of the trials, and of the earlier ones that the plan does not replace.

    Args:
        known: what the earlier ones were.
        begun: whether those that are not finished may be another driver's, which has them to do.
    """
    planned = {spec.identity: spec for spec in plan.trials}
    kept, replaced, others = [], set[str](), []
    entered = {spec.key for spec in trials}
    for key in before:
        if key not in known or key in entered:
            continue
        spec = known[key]
        if spec is None:
            kept += [key] * begun
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
