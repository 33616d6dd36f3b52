"""A request for a run, and its execution: trials that are asked for and not finished."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from genbench.analysis.verdicts import Margin
from genbench.core.downloads import use_data_dir
from genbench.core.environment import command, commit
from genbench.core.errors import GenbenchError
from genbench.core.files import any_ending_in, expanded
from genbench.core.hardware import DEVICES, choose_device
from genbench.core.interrupts import handled, stop_now
from genbench.core.progress import check_form
from genbench.core.recorded_plugins import NeedsPlugin, discover_recorded, remedy
from genbench.core.registry import UnknownName, discover, failures
from genbench.core.types import Say
from genbench.runs.data_in_hand import AskedData
from genbench.runs.defaults import Defaults
from genbench.runs.executors.dask_cluster import RETRIES, DaskRequest
from genbench.runs.plan import Plan, make_plan
from genbench.runs.race import AUTO, Terms, race, sure
from genbench.runs.reload import recorded_plugins
from genbench.runs.request import as_code, as_command
from genbench.runs.runner import remaining, why
from genbench.runs.session import Workers, session
from genbench.runs.shard import Shard
from genbench.runs.step_counts import known_steps
from genbench.runs.tuned import of_studies
from genbench.runs.worker import start_server
from genbench.storage.store import Store
from genbench.tasks import load_task
from genbench.tasks.execution import CHECKPOINT_EVERY, ExecutionOptions
from genbench.training.logs import check_log

__all__ = ["RunOptions", "explain", "launch"]

# Seconds, chosen by hand: some thirty times what a trial of our own models takes. A budget that is not here gets the
# last.
TIMEOUTS = {"smoke": 300.0, "quick": 900.0}
LONG_TIMEOUT = 3600.0


@dataclass(frozen=True)
class RunOptions:
    """The request for a run, and how it is executed; `genbench.run` explains each field.

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
    progress: bool | str = True
    checkpoint_every: float = CHECKPOINT_EVERY
    device: str = "cpu"
    data_dir: str | Path | None = None
    previews: int = 0
    log: str | None = None
    threads: int = 1
    max_seeds: int | None = None
    max_time: str | float | None = None
    margin: str | None = None
    sort: str | None = None
    shard: str | None = None
    dask: str | None = None
    resources: str | Mapping[str, float] | None = None
    retries: int | None = None
    tuned: str | Path | None = None

    def __post_init__(self) -> None:
        _ = self.terms, self.cluster
        if self.shard is not None and Shard.parse(self.shard) and self.terms:
            raise GenbenchError(
                f"shard={self.shard} is a part of the trials, and seeds=auto needs all of them to decide; give a "
                "number of seeds, or start the same command without a shard on several machines"
            )
        if self.margin is not None:
            Margin.parse(self.margin)
        check_log(self.log, cluster=self.dask is not None)
        check_form(self.progress)
        if self.previews < 0:
            raise GenbenchError(f"previews={self.previews} must not be negative; 0 is none")
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise GenbenchError(f"timeout={self.timeout} is out of range; give seconds above 0")
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
            GenbenchError: data in memory are not finite numbers, or too few.
        """
        return AskedData.of(self.datasets, load_task(self.task).kinds == ("series",))

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Without a name, it is named after data, budget and task, so that a request resumes.
        """
        suffix = "" if self.task == "generate" else f"-{self.task}"
        default = re.sub(r"[^A-Za-z0-9_.=+]+", "-", f"{self.data.text}-{self.budget}").strip("-.")[:80] + suffix
        return Path(self.results) / (self.name or default)

    @property
    def seconds(self) -> float:
        """The time limit of a trial, in seconds."""
        return self.timeout or TIMEOUTS.get(str(self.budget), LONG_TIMEOUT)

    @cached_property
    def terms(self) -> Terms | None:
        """The terms by which seeds are added; None if a number of seeds is asked for.

        Raises:
            GenbenchError: a number is out of range or cannot be read, or needs seeds="auto".
        """
        if self.seeds == AUTO:
            return Terms.of(self.max_seeds, self.max_time, self.margin, self.sort)
        for name in ("max_seeds", "max_time"):
            if getattr(self, name) is not None:
                raise GenbenchError(f"{name}={getattr(self, name)} needs seeds=auto; add --seeds auto, or leave it out")
        return None

    @property
    def cluster(self) -> DaskRequest | None:
        """The Dask cluster for trials; None for processes of this machine.

        Raises:
            GenbenchError: an address or a number cannot be read, or needs a cluster.
        """
        if self.dask is not None:
            retries = RETRIES if self.retries is None else self.retries
            return DaskRequest.of(self.dask, self.jobs, self.resources, retries)
        for name in ("resources", "retries"):
            if getattr(self, name) is not None:
                raise GenbenchError(f"{name}={getattr(self, name)} is for a Dask cluster; add --dask, or leave it out")
        return None

    @property
    def request(self) -> dict[str, Any]:
        """The request as a command and as code.

        Data in memory are the files that the run keeps of them.
        """
        texts = self.data.texts(self.folder)
        given = {"models": self.models, "datasets": texts[0] if len(texts) == 1 else texts}
        others = [(each, getattr(self, each.name)) for each in fields(self) if each.name not in given]
        asked = given | {each.name: value for each, value in others if value != each.default}
        return {"command": as_command(asked), "code": as_code(asked)}

    def workers(self) -> Workers:
        """Return the workers that run trials."""
        return Workers(self.jobs, self.seconds, self.retry_failed, self.progress, self.execution(), self.cluster)

    def execution(self) -> ExecutionOptions:
        """Return the options for running trials."""
        return ExecutionOptions(
            checkpoint_every=self.checkpoint_every,
            device=self._device(),
            data_dir=None if self.data_dir is None else str(expanded(self.data_dir).absolute()),
            previews=self.previews,
            log=self.log,
            threads=self.threads,
            commit=commit() or "",
        )

    def _device(self) -> str:
        """Return where torch models live; on a cluster, each worker looks for itself."""
        if self.dask is None or self.device not in DEVICES:
            return choose_device(self.device)
        return self.device

    def plan(self, say: Say) -> Plan:
        """Return the trials of the request; `say` is called with the plugins that are left out."""
        discover(tuple(self.plugins))
        for failure in failures(tuple(self.plugins)):
            say(f"plugin {failure.source} was left out: {failure.reason}")
        usual, budget = Defaults.of(str(self.budget)), str(self.budget)
        protocol = usual.protocol.asked(samples=self.samples, train=self.train)
        seeds = self.terms.max_seeds if self.terms else usual.seeds if self.seeds is None else self.seeds
        metrics = usual.metrics if self.metrics is None else _joined(self.metrics)
        with self.data.kept(self.folder, load_task(self.task).kinds) as datasets:
            tuned = of_studies(self.tuned, self.results, self.folder)
            asked = (_joined(self.models), datasets, seeds, budget, metrics, self.task, protocol, tuned)
            try:
                return self._part(make_plan(*asked))
            except UnknownName as error:
                sources = recorded_plugins(Store(self.folder))
                discover_recorded(sources)
                if words := remedy(sources):
                    raise NeedsPlugin(f"{error}; trials of {self.folder} name code: {words}") from None
                return self._part(make_plan(*asked))

    def _part(self, plan: Plan) -> Plan:
        """Return the part of a plan that is asked for."""
        if self.shard is None:
            return plan
        trials = Shard.parse(self.shard).of(plan.trials)
        note = f"shard {self.shard}: {len(trials)} of {len(plan.trials)} trials"
        return replace(plan, trials=trials, notes=[*plan.notes, note])


def _joined(selection: str | Sequence[str]) -> str:
    return selection if isinstance(selection, str) else ",".join(selection)


def launch(options: RunOptions, say: Say, typed: bool = False) -> Path:
    """Run the trials of a request that are not finished, and return the run's folder.

    Args:
        typed: whether the request is the command that started this process.

    Raises:
        GenbenchError: the request is wrong and nothing was run, or the results can no longer be written.
    """
    folder = options.folder.absolute()  # a plugin may change the working folder
    with use_data_dir(options.data_dir), handled({"SIGINT": stop_now}):  # a plugin may raise KeyboardInterrupt
        workers = options.workers()
        nothing_yet = not any_ending_in(Store(folder).trials, ".json")
        if nothing_yet and workers.are_processes:  # else there may be nothing to do
            start_server()
        plan = options.plan(say)
        for note in plan.notes:
            say(note)
        request: dict[str, Any] = {"command": command()} if typed else options.request
        if options.metrics is not None:
            request["metrics"] = _joined(options.metrics)
        with session(plan, Store(folder), workers, workers.execution.data_dir, say, request) as opened:
            if options.terms:
                race(opened, options.terms)
            else:
                opened.enter(opened.plan.trials)
                opened.perform(opened.plan.trials)
    return folder


def explain(options: RunOptions, say: Say) -> list[str]:
    """Return a line for each trial that would run, with the reason, and their number.

    Nothing is run.
    """
    with use_data_dir(options.data_dir), handled({"SIGINT": stop_now}):
        store = Store(options.folder)
        plan = known_steps(options.plan(say), store)
        trials = sure(plan, store, options.terms) if options.terms else plan.trials
        todo, _ = remaining(trials, store)
        reasons = zip(todo, why(todo, store), strict=True)
        lines = [f"{spec.model} on {spec.dataset}, seed {spec.seed}: {reason}" for spec, reason in reasons]
    more = f", and up to {len(plan.trials) - len(trials)} more where verdicts are open" if options.terms else ""
    return [*lines, f"{len(todo)} of {len(trials)} trials would run{more}"]
