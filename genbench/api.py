"""The Python interface: load a dataset, a model or a run by name, and run a benchmark."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.errors import GenbenchError
from genbench.registry import REGISTRY, discover

if TYPE_CHECKING:
    from genbench.classification import Bayes, Direct
    from genbench.conditions import Conditions
    from genbench.estimator import Estimator
    from genbench.plan import Plan
    from genbench.results import Run

__all__ = ["default_name", "load_classifier", "load_dataset", "load_model", "load_run", "run"]

TIMEOUTS = {"smoke": 300.0, "quick": 900.0}  # seconds; a budget that is not here gets the last
LONG_TIMEOUT = 3600.0

Say = Callable[[str], None]


def load_dataset(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Any:
    """Return a dataset by name: `load_dataset("moons", noise=0.1)`.

    A synthetic one has `.sample(n, seed=0) -> [n, *shape]`, `.log_prob(x) -> [n]` in nats, `.entropy` in nats. One of
    series has `.series`, a whole one [n].

    Raises:
        GenbenchError: the name or a parameter is unknown, or a value is refused.
    """
    from genbench.parameters import bind, create

    discover(tuple(plugins), groups=("datasets",))
    card = REGISTRY["datasets"][name]
    return create(card, bind(card, params))


def load_model(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Estimator:
    """Return an unfitted model by name: `load_model("gmm", components=8).fit(x).sample(100)`.

    Raises:
        GenbenchError: the name or a parameter is unknown, or a value is refused.
    """
    from genbench.estimator import Estimator

    discover(tuple(plugins), groups=("models",))
    return Estimator(REGISTRY["models"][name], params)


def load_classifier(name: str, *, plugins: Sequence[str] = (), **params: Any) -> Bayes | Direct:
    """Return a model as an unfitted classifier: `load_classifier("gmm").fit(x, labels).predict_log_proba(x)`.

    A model with a density classifies by Bayes' rule, with one of it a class.

    Raises:
        GenbenchError: the name or a parameter is unknown, a value is refused, or the model has no density.
    """
    from genbench.classification import Bayes, Direct
    from genbench.classifier import Classifier

    discover(tuple(plugins), groups=("models",))
    card = REGISTRY["models"][name]
    return (Direct if issubclass(card.factory, Classifier) else Bayes)(card, params)


def load_run(path: str | Path) -> Run:
    """Return a run that was stored: `load_run("results/demo").leaderboard()`.

    Raises:
        GenbenchError: there is no run at that path.
    """
    from genbench.results import Run

    return Run(path)


def run(
    models: str | Sequence[str] = "all",
    datasets: str | Sequence[str] = "moons",
    seeds: int | str | Sequence[int] = 3,
    budget: str | int = "quick",
    *,
    metrics: str | Sequence[str] = "all",
    task: str = "generate",
    name: str | None = None,
    results: str | Path = "results",
    jobs: int | None = None,
    timeout: float | None = None,
    plugins: Sequence[str] = (),
    samples: int | None = None,
    train: int | None = None,
    retry_failed: bool = False,
    progress: bool = True,
    say: Say = print,
    checkpoint_every: float = 60.0,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    previews: int = 0,
    log: str | None = None,
    threads: int = 1,
) -> Run:
    """Train and score models on datasets, trial by trial; what is finished already is not run again.

    Args:
        models, datasets, metrics: names, with parameters in brackets, families, "all", or "zoo" (with the variants).
        seeds: how many (3 is 0, 1, 2), or which ("4,7" or [4, 7]).
        budget: "smoke", "quick", "standard", a number of steps, or of seconds ("30s").
        task: what a trial does: "generate"; "curve", which also scores in the course of the training; "variance",
            several trainings and draws on the data of each seed; "classify", by a density of each class; "impute", with
            gaps to fill; "interpolate", by codes; "forecast", one step ahead.
        name, results: the run goes to results/name; named after data, budget and task unless given.
        jobs: worker processes; 0 is this process; as many as keep all cores busy unless given.
        timeout: seconds after which a trial is stopped.
        plugins: files or folders with models, datasets or metrics of your own.
        samples: points drawn from each model for the scores; 50,000 unless given.
        train: training points of a synthetic dataset; 20,000 unless given.
        retry_failed: run failed trials again.
        progress: show a progress bar.
        say: called with each line of news.
        checkpoint_every: seconds of training between two checkpoints, from which a trial goes on after a kill; 0 for
            none.
        device: where torch models live: "cpu", "cuda", "mps", or "auto" for whichever is there.
        data_dir: folder in which data files are looked for first, before those of GENBENCH_DATA.
        previews: how often samples are drawn in the course of each training, as pictures in figures/training.
        log: "tensorboard" logs losses and previews to the folder of that name in the run's.
        threads: that torch may use for one operation of a trial. More than one pays for networks on large pictures
            alone, and only while nothing else runs on these cores. The last digits of results hang on it.

    Raises:
        GenbenchError: the request is wrong, and nothing was run; or the store cannot be written any more.
    """
    from genbench.conditions import Conditions, choose_device, look_in
    from genbench.metric import Protocol
    from genbench.plan import make_plan
    from genbench.tensorboard import check_log

    check_log(log)
    look_in(data_dir)
    if previews < 0:
        raise GenbenchError(f"previews={previews} must not be negative; 0 is none")
    if threads < 1:
        raise GenbenchError(f"threads={threads} must be at least 1")
    conditions = Conditions(
        progress,
        _seconds(checkpoint_every),
        choose_device(device),
        None if data_dir is None else str(data_dir),
        previews=previews,
        log=log,
        threads=threads,
    )
    discover(tuple(plugins))
    for failure in (f for group in REGISTRY.values() for f in group.failures):
        say(f"plugin {failure.source} was left out: {failure.reason}")
    protocol = Protocol.asked(samples=samples, train=train)
    plan = make_plan(_join(models), _join(datasets), seeds, str(budget), _join(metrics), task, protocol, plugins)
    for note in plan.notes:
        say(note)
    folder = Path(results) / (name or default_name(_join(datasets), str(budget), task))
    jobs = _where(plan, jobs, say)
    return _carry_out(
        plan, folder, jobs, timeout or TIMEOUTS.get(str(budget), LONG_TIMEOUT), retry_failed, conditions, say
    )


def default_name(datasets: str, budget: str, task: str = "generate") -> str:
    """Return the name of a run that was not given one: the same request goes on in the same place."""
    suffix = "" if task == "generate" else f"-{task}"
    return re.sub(r"[^A-Za-z0-9_.=+]+", "-", f"{datasets}-{budget}").strip("-.")[:80] + suffix


def _where(plan: Plan, jobs: int | None, say: Say) -> int | None:
    """Return how many worker processes there can be: none where they could not import a plugin."""
    cards = [(REGISTRY["models"][t.model_name], REGISTRY["datasets"][t.dataset_name]) for t in plan.trials]
    if jobs == 0 or all(model.portable and dataset.portable for model, dataset in cards):
        return jobs
    say("a plugin lives in the calling script: running in this process; a file of its own can run in parallel")
    return 0


def _carry_out(
    plan: Plan,
    folder: Path,
    jobs: int | None,
    timeout: float,
    retry_failed: bool,
    conditions: Conditions,
    say: Say,
) -> Run:
    from genbench.environment import environment
    from genbench.record import RunRecord, TrialRecord
    from genbench.results import Run
    from genbench.runner import cores, perform_all, remaining, tidy
    from genbench.store import Store

    store = Store(folder)
    store.create()
    with store.lock():
        try:
            record = store.read_run()
        except GenbenchError:
            record = RunRecord(name=folder.name)
        record.environment = environment() | {"device": conditions.device, "threads": conditions.threads}
        record.trials = _supersede(record.trials, plan, store)
        record.requests = [
            *record.requests[-99:],
            {"command": record.environment["command"], "trials": len(plan.trials)},
        ]
        store.write_run(record)
        tidy(plan.trials, store)
        todo, notes = remaining(plan.trials, store, retry_failed)
        for note in notes:
            say(note)
        if len(todo) < len(plan.trials):
            say(f"{len(plan.trials) - len(todo)} of {len(plan.trials)} trials are finished already in {folder}")
        if begun := len(store.checkpoints().keys() & {spec.key for spec in todo}):
            say(f"{begun} of them {'goes' if begun == 1 else 'go'} on from a checkpoint")
        jobs = max(1, cores() // conditions.threads) if jobs is None else jobs
        bar = _Bar(len(todo), conditions.progress)
        conditions = replace(conditions, progress=conditions.progress and jobs <= 1)

        def done(trial: TrialRecord) -> None:
            if trial.error:
                where = f"{trial.model} on {trial.dataset}, seed {trial.seed}"
                bar.say(f"{where}: {trial.status} in {trial.error.phase}: {trial.error.message}", say)
            bar.advance()

        try:
            perform_all(todo, store, min(jobs, max(1, len(todo))) if jobs else 0, timeout, done, conditions)
        finally:
            bar.close()
    return Run(folder)


def _seconds(every: float) -> float:
    if not 0 <= every < float("inf"):
        raise GenbenchError(f"checkpoint_every={every} is out of range; give seconds, or 0 for no checkpoints")
    return every


def _supersede(before: list[str], plan: Plan, store: Any) -> list[str]:
    """Return the keys of a run's table: the planned trials, and the earlier ones that they do not replace."""
    from genbench.store import CorruptFile

    planned = {spec.identity for spec in plan.trials}
    kept = []
    for key in before:
        try:
            if store.has(key) and store.read(key).spec.identity not in planned:
                kept.append(key)
        except CorruptFile:
            continue
    return [*kept, *(spec.key for spec in plan.trials)]


class _Bar:
    """The progress bar over trials."""

    def __init__(self, total: int, shown: bool) -> None:
        from tqdm.auto import tqdm

        self.bar = tqdm(
            total=total,
            desc="trials",
            unit="trial",
            disable=not shown or total == 0 or bool(os.environ.get("TQDM_DISABLE")),
        )

    def advance(self) -> None:
        self.bar.update()

    def say(self, text: str, say: Say) -> None:
        """Say a line without tearing the bar."""
        with self.bar.external_write_mode():
            say(text)

    def close(self) -> None:
        self.bar.close()


def _join(selection: str | Sequence[str]) -> str:
    return selection if isinstance(selection, str) else ",".join(selection)
