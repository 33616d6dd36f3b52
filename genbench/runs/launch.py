"""Carry out a plan in a run's folder: lock it, find what is still to do, run it under a progress bar."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.environment import environment
from genbench.core.errors import GenbenchError
from genbench.core.hardware import cores
from genbench.core.types import Say
from genbench.runs.plan import Plan
from genbench.runs.runner import perform_all, remaining, tidy
from genbench.storage.records import RunRecord, TrialRecord
from genbench.storage.store import CorruptFile, Store
from genbench.tasks.execution import Conditions

__all__ = ["LONG_TIMEOUT", "TIMEOUTS", "carry_out", "checkpoint_interval", "default_name", "where"]

TIMEOUTS = {"smoke": 300.0, "quick": 900.0}  # seconds; a budget that is not here gets the last


LONG_TIMEOUT = 3600.0


def default_name(datasets: str, budget: str, task: str = "generate") -> str:
    """Return the name of a run that was not given one: the same request goes on in the same place."""
    suffix = "" if task == "generate" else f"-{task}"
    return re.sub(r"[^A-Za-z0-9_.=+]+", "-", f"{datasets}-{budget}").strip("-.")[:80] + suffix


def where(plan: Plan, jobs: int | None, say: Say) -> int | None:
    """Return how many worker processes there can be: none where they could not import a plugin."""
    cards = [(MODELS[t.model_name], DATASETS[t.dataset_name]) for t in plan.trials]
    if jobs == 0 or all(model.portable and dataset.portable for model, dataset in cards):
        return jobs
    say("a plugin lives in the calling script: running in this process; a file of its own can run in parallel")
    return 0


def carry_out(
    plan: Plan,
    folder: Path,
    jobs: int | None,
    timeout: float,
    retry_failed: bool,
    conditions: Conditions,
    say: Say,
) -> Path:
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
    return folder


def checkpoint_interval(every: float) -> float:
    if not 0 <= every < float("inf"):
        raise GenbenchError(f"checkpoint_every={every} is out of range; give seconds, or 0 for no checkpoints")
    return every


def _supersede(before: list[str], plan: Plan, store: Store) -> list[str]:
    """Return the keys of a run's table: the planned trials, and the earlier ones that they do not replace."""
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
