"""Carry out a request in a run's folder: lock it, find what is still to do, run it under a progress bar."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.downloads import use_data_dir
from genbench.core.environment import environment
from genbench.core.errors import GenbenchError
from genbench.core.files import expanded
from genbench.core.hardware import choose_device, cores
from genbench.core.interrupts import handled, stop_now
from genbench.core.registry import discover, failures
from genbench.core.types import Say
from genbench.runs.data_in_hand import AskedData
from genbench.runs.defaults import Defaults
from genbench.runs.plan import Plan, make_plan
from genbench.runs.runner import Done, perform_all, remaining, tidy, why
from genbench.runs.step_counts import known_steps, timed
from genbench.runs.stopping import Stop
from genbench.storage.records import RunRecord, TrialRecord
from genbench.storage.store import CorruptFile, Store
from genbench.tasks import load_task
from genbench.tasks.execution import CHECKPOINT_EVERY, ExecutionOptions
from genbench.training.tensorboard import check_log

__all__ = ["RunOptions", "explain", "launch"]

# Seconds, chosen by hand: some thirty times what a trial of our own models takes. A budget that is not here gets the
# last.
TIMEOUTS = {"smoke": 300.0, "quick": 900.0}
LONG_TIMEOUT = 3600.0


@dataclass(frozen=True)
class RunOptions:
    """What is asked of a run, and how it is carried out; `genbench.run` says what each field means.

    Raises:
        GenbenchError: a number is out of range, or a device or log is unknown or unavailable.
    """

    models: str | Sequence[str] = "all"
    datasets: Any = "moons"
    seeds: int | str | Sequence[int] | None = None
    budget: str | int = "quick"
    metrics: str | Sequence[str] | None = None
    task: str = "generate"
    name: str | None = None
    results: str | Path = "results"
    jobs: int | None = None
    timeout: float | None = None
    plugins: Sequence[str] = ()
    samples: int | None = None
    train: int | None = None
    retry_failed: bool = False
    progress: bool = True
    checkpoint_every: float = CHECKPOINT_EVERY
    device: str = "cpu"
    data_dir: str | Path | None = None
    previews: int = 0
    log: str | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        check_log(self.log)
        if self.previews < 0:
            raise GenbenchError(f"previews={self.previews} must not be negative; 0 is none")
        if self.threads < 1:
            raise GenbenchError(f"threads={self.threads} must be at least 1")
        if not 0 <= self.checkpoint_every < float("inf"):
            raise GenbenchError(
                f"checkpoint_every={self.checkpoint_every} is out of range; give seconds, or 0 for no checkpoints"
            )

    @cached_property
    def data(self) -> AskedData:
        """The datasets that are asked for.

        Raises:
            GenbenchError: data in hand are no finite numbers, or too few.
        """
        return AskedData.of(self.datasets, load_task(self.task).kinds == ("series",))

    @property
    def folder(self) -> Path:
        """The run's folder; named after data, budget and task where no name is given, so that a request resumes."""
        suffix = "" if self.task == "generate" else f"-{self.task}"
        default = re.sub(r"[^A-Za-z0-9_.=+]+", "-", f"{self.data.text}-{self.budget}").strip("-.")[:80] + suffix
        return Path(self.results) / (self.name or default)

    @property
    def seconds(self) -> float:
        """Seconds after which a trial is stopped."""
        return self.timeout or TIMEOUTS.get(str(self.budget), LONG_TIMEOUT)

    def execution(self) -> ExecutionOptions:
        """Return how trials are carried out."""
        return ExecutionOptions(
            progress=self.progress,
            checkpoint_every=self.checkpoint_every,
            device=choose_device(self.device),
            data_dir=None if self.data_dir is None else str(expanded(self.data_dir).absolute()),
            previews=self.previews,
            log=self.log,
            threads=self.threads,
        )

    def plan(self, say: Say) -> Plan:
        """Return the trials that are asked for; `say` is told which plugins are left out."""
        discover(tuple(self.plugins))
        for failure in failures(tuple(self.plugins)):
            say(f"plugin {failure.source} was left out: {failure.reason}")
        usual, budget = Defaults.of(str(self.budget)), str(self.budget)
        protocol = usual.protocol.asked(samples=self.samples, train=self.train)
        seeds = usual.seeds if self.seeds is None else self.seeds
        metrics = usual.metrics if self.metrics is None else _joined(self.metrics)
        with self.data.kept(self.folder, load_task(self.task).kinds) as datasets:
            return make_plan(_joined(self.models), datasets, seeds, budget, metrics, self.task, protocol)


def _joined(selection: str | Sequence[str]) -> str:
    return selection if isinstance(selection, str) else ",".join(selection)


def launch(options: RunOptions, say: Say) -> Path:
    """Run what is asked for and not finished yet, and return the run's folder.

    Raises:
        GenbenchError: the request is wrong, and nothing was run; or the store cannot be written any more.
    """
    folder = options.folder.absolute()  # a plugin may change the working folder
    with use_data_dir(options.data_dir), handled({"SIGINT": stop_now}):  # a plugin may raise KeyboardInterrupt
        execution = options.execution()
        plan = options.plan(say)
        for note in plan.notes:
            say(note)
        _carry_out(plan, options, execution, say)
    return folder


def explain(options: RunOptions, say: Say) -> list[str]:
    """Return a line for each trial that would run, with the reason, and their number; nothing is run."""
    with use_data_dir(options.data_dir), handled({"SIGINT": stop_now}):
        store = Store(options.folder)
        trials = known_steps(options.plan(say), store).trials
        todo, _ = remaining(trials, store)
        lines = [f"{spec.model} on {spec.dataset}, seed {spec.seed}: {why(spec, store)}" for spec in todo]
    return [*lines, f"{len(todo)} of {len(trials)} trials would run"]


def _carry_out(plan: Plan, options: RunOptions, execution: ExecutionOptions, say: Say) -> None:
    store = Store(options.folder)
    store.create()
    with store.lock():
        jobs = _jobs(plan, options, say)
        plan = timed(plan, store, jobs > 0, execution.data_dir, say)
        _register(plan, store, execution, say)
        tidy(plan.trials, store)
        todo, notes = remaining(plan.trials, store, options.retry_failed)
        for note in notes:
            say(note)
        if len(todo) < len(plan.trials):
            say(f"{len(plan.trials) - len(todo)} of {len(plan.trials)} trials are finished already in {options.folder}")
        if begun := len(store.checkpoints().keys() & {spec.key for spec in todo}):
            say(f"{begun} of them {'goes' if begun == 1 else 'go'} on from a checkpoint")
        stop = Stop(len(plan.trials), say)
        stop.done = len(plan.trials) - len(todo)
        with _bar(len(todo), options.progress, say) as done, stop.listening():
            execution = replace(execution, progress=options.progress and jobs == 0)
            perform_all(todo, store, min(jobs, max(1, len(todo))), options.seconds, done, execution, stop)


def _register(plan: Plan, store: Store, execution: ExecutionOptions, say: Say) -> None:
    """Write what is asked into the run's record; `say` is told which data are others than before."""
    try:
        record = store.read_run()
    except GenbenchError:
        record = RunRecord(name=store.path.name)
    record.environment = environment() | {"device": execution.device, "threads": execution.threads}
    record.files |= {t.dataset_params["path"]: t.data_fingerprint for t in plan.trials if "path" in t.dataset_params}
    record.trials, others = _supersede(record.trials, plan, store)
    for label in others:
        say(f"{label}: other data than before under this name; the table shows the new ones")
    record.data |= plan.data
    record.ask({"command": record.environment["command"], "trials": len(plan.trials)})
    store.write_run(record)


def _jobs(plan: Plan, options: RunOptions, say: Say) -> int:
    """Return the number of worker processes: none where they could not import a plugin."""
    cards = [(MODELS[t.model_name], DATASETS[t.dataset_name]) for t in plan.trials]
    if options.jobs != 0 and not all(model.portable and dataset.portable for model, dataset in cards):
        say("a plugin lives in the calling script: running in this process; a file of its own can run in parallel")
        return 0
    return max(1, cores() // options.threads) if options.jobs is None else options.jobs


def _supersede(before: list[str], plan: Plan, store: Store) -> tuple[list[str], list[str]]:
    """Return the keys of a run's table, and the datasets that are other data than before under the same name.

    The keys are those of the planned trials, and of the earlier ones that they do not replace.
    """
    planned = {spec.identity: spec for spec in plan.trials}
    kept, others = [], []
    for key in before:
        try:
            spec = store.read(key).spec if store.has(key) else None
        except CorruptFile:
            continue
        if spec and spec.identity not in planned:
            kept.append(key)
        elif spec and spec.data_fingerprint != planned[spec.identity].data_fingerprint:
            others.append(spec.dataset)
    return [*kept, *(spec.key for spec in plan.trials)], list(dict.fromkeys(others))


@contextmanager
def _bar(total: int, shown: bool, say: Say) -> Iterator[Done]:
    """Show a progress bar over trials, and give what is called with each record: failures are said above the bar."""
    from tqdm.auto import tqdm

    hidden = not shown or total == 0 or bool(os.environ.get("TQDM_DISABLE"))
    with tqdm(total=total, desc="trials", unit="trial", disable=hidden) as bar:

        def done(trial: TrialRecord) -> None:
            if trial.error:
                where = f"{trial.model} on {trial.dataset}, seed {trial.seed}"
                with bar.external_write_mode():
                    say(f"{where}: {trial.status} {trial.error}")
            bar.update()

        yield done
