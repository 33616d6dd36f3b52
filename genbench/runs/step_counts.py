"""The numbers of steps of named budgets for models without `step_ms`.

They are measured once, then kept. The number is part of the spec, so that a trial can be repeated bit for bit. All
seeds of a model on a dataset have the same number. It is stored in the run's record, and in the specs of finished
trials.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

from genbench.contracts.model import MODELS
from genbench.contracts.recipe import UNKNOWN_STEP_MS, Budget, Recipe
from genbench.core.downloads import use_data_dir
from genbench.core.exception_text import message_of
from genbench.core.interrupts import must_stop
from genbench.core.registry import discover
from genbench.core.types import Say
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.parallel import each_in_a_process
from genbench.runs.plan import Plan
from genbench.runs.worker_process import Work
from genbench.storage.records import TrialSpec
from genbench.storage.run_record import edited_run, known
from genbench.storage.store import CorruptFile, Store

__all__ = ["counts_of", "known_steps", "timed"]

TIMEOUT = 300.0  # seconds for loading the data and timing some steps; by hand

Counts = dict[str, int]  # numbers of steps, by `_group`


def known_steps(plan: Plan, store: Store) -> Plan:
    """Return the plan with the numbers of steps that this run already has."""
    return _with(plan, _known(plan, store))


def timed(plan: Plan, store: Store, in_workers: bool, data_dir: str | None, say: Say) -> Plan:
    """Return the plan with all numbers of steps.

    Unknown numbers are measured, printed and kept. A model that cannot be timed, whatever it raises, gets a default
    number, so that its trial fails in its own row.

    Args:
        in_workers: whether to time the steps in a separate process instead of this one.
    """
    counts = _known(plan, store)
    for spec in _without(plan, counts):
        where = f"{spec.model} on {spec.dataset}"
        ms, reason = _measured(spec, in_workers, data_dir)
        steps = Budget(spec.budget).steps(Recipe(step_ms=ms))
        assert steps is not None  # the budget is a name
        counts[_group(spec)] = steps
        if ms is None:
            say(
                f"caution: no step of {where} could be timed: {reason}; it gets {steps:,} steps, "
                f"as if one took {UNKNOWN_STEP_MS:g} ms"
            )
        else:
            say(f"{where}: a step takes {ms:g} ms of the reference machine; {steps:,} steps")
    return _with(plan, _keep(counts, store, say))


def counts_of(specs: Iterable[TrialSpec]) -> Counts:
    """Return the numbers of steps in specs, in the form of a run's record."""
    return {_group(spec): spec.steps for spec in specs if spec.steps is not None}


def _group(spec: TrialSpec) -> str:
    """Return what trials have in common that share a number of steps."""
    facts = spec.model_dump(mode="json", include={"task", "model_name", "params", "dataset_name", "dataset_params"})
    facts |= {"budget": spec.budget, "train": spec.protocol.train, "data": spec.data_fingerprint}
    facts |= {part: spec.sources.get(part) for part in ("model", "dataset", "task")}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    return f"{spec.model} on {spec.dataset}, {spec.budget}: {digest}"


def _open(spec: TrialSpec) -> bool:
    """Whether the engine has to find the number of steps."""
    states = spec.params.get("step_ms", 0.0) is not None
    return MODELS[spec.model_name].is_torch and not states and Budget(spec.budget).nominal is not None


def _without(plan: Plan, counts: Counts) -> list[TrialSpec]:
    """Return a trial of each group that has no number yet."""
    groups = {_group(spec): spec for spec in reversed(plan.trials) if _open(spec)}  # the first seed of each
    return [spec for group, spec in reversed(groups.items()) if group not in counts]


def _with(plan: Plan, counts: Counts) -> Plan:
    trials = [
        spec.model_copy(update={"steps": counts.get(_group(spec))}) if _open(spec) else spec for spec in plan.trials
    ]
    return replace(plan, trials=trials)


def _known(plan: Plan, store: Store) -> Counts:
    """Return the numbers that the run's record holds, and those of finished trials where it does not."""
    if not any(map(_open, plan.trials)):
        return {}
    counts = dict(known(store).step_counts)
    if _without(plan, counts):
        counts = counts_of(_finished(store)) | counts
    return counts


def _finished(store: Store) -> Iterable[TrialSpec]:
    for key in store.finished():
        try:
            yield store.read(key).spec
        except CorruptFile:
            continue


def _keep(counts: Counts, store: Store, say: Say) -> Counts:
    """Keep numbers in the run's record, and return what it holds then: the first that several drivers find is taken."""
    if counts.items() - known(store).step_counts.items():
        with edited_run(store, say) as record:
            record.step_counts = counts = counts | record.step_counts
    return counts


def _measured(spec: TrialSpec, in_workers: bool, data_dir: str | None) -> tuple[float | None, str]:
    """Return the milliseconds of a step, or None and the reason why there are none."""
    if not in_workers:
        return _measure(spec.model_dump_json(), data_dir)
    work = Work(_measure, (spec.model_dump_json(), data_dir), TIMEOUT)
    with closing(each_in_a_process([work], 1)) as each_ended:
        (_, ended) = next(each_ended)
    if ended.error is not None:
        return None, str(ended.error)
    if ended.timed_out:
        return None, f"it took more than {TIMEOUT:g} s"
    if ended.died:
        return None, f"its process died with exit code {ended.exitcode}"
    found: tuple[float | None, str] = ended.value
    return found


def _measure(text: str, data_dir: str | None) -> tuple[float | None, str]:
    """Return the milliseconds of a step of a serialised spec's model, in this process."""
    spec = TrialSpec.model_validate_json(text)
    try:
        with use_data_dir(data_dir):
            discover(spec.plugins)
            trial = ResolvedTrial.of(spec)
            facts = {name: value for name, value in trial.training_data.items() if name != "budget"}
            return trial.estimator().step_ms(**facts), ""
    except BaseException as error:  # a plugin may raise anything
        if must_stop(error):
            raise
        return None, message_of(error)
