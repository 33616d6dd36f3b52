"""One trial from start to end: run its task, and turn whatever happens into a record."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from typing import Any

from genbench.contracts.model import MODELS
from genbench.core.downloads import use_data_dir
from genbench.core.errors import BadSamples, Diverged, collected_warnings
from genbench.core.seeding import with_threads
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.fence import Fence, interrupts
from genbench.storage.evaluation import Flag
from genbench.storage.records import Failure, Status, TrialRecord, TrialSpec
from genbench.storage.store import Store
from genbench.tasks import load_task
from genbench.tasks.execution import ExecutionOptions

__all__ = ["UNFINISHED", "execute", "failed"]

UNFINISHED: tuple[Status, ...] = ("timeout", "out_of_memory")  # may do better next time, from its checkpoint


def execute(spec: TrialSpec, store: Store, options: ExecutionOptions = ExecutionOptions()) -> TrialRecord:
    """Run a trial and write it to the store; an exception of the plugin becomes a record, too.

    A training run that was killed resumes from its checkpoint, which is kept until the trial is done.

    Raises:
        OSError: the record cannot be written (a full disk).
    """
    begin, phase = time.perf_counter(), "load"
    fence = Fence(spec, store.path)
    options = replace(options, folder=store.trials, files=fence.files)

    def stage(name: str) -> None:
        nonlocal phase
        fence.begin(name)
        phase = name
        store.mark(spec.key, name)

    with interrupts() as pressed, collected_warnings() as cautions:
        try:
            with use_data_dir(options.data_dir), with_threads(options.threads), fence.around():
                stage("load")
                result = load_task(spec.task).run(ResolvedTrial.of(spec), stage, options)
        except BaseException as error:  # a plugin may raise anything, SystemExit included
            if pressed:
                raise
            seconds = time.perf_counter() - begin
            record = failed(spec, _status(error), phase, error, seconds, traceback.format_exc(limit=-12))
        else:
            result.cost.peak_memory_mb, result.cost.threads = _peak_memory_mb(), options.threads
            record = TrialRecord(**_identity(spec) | vars(result), status="ok")
    record.flags = [*(Flag(text=text) for text in cautions), *record.flags]
    record.provenance = fence.provenance()
    store.write(record, record.arrays, record.weights)
    store.discard_sweep(spec.key)
    if record.status not in UNFINISHED:
        store.discard_checkpoints(spec.key)
    store.unmark(spec.key)
    return record


def failed(
    spec: TrialSpec, status: Status, phase: str, error: BaseException | str, seconds: float, trace: str = ""
) -> TrialRecord:
    """Return the record of a trial that failed: a row with its phase, its seconds and its traceback."""
    kind = status if isinstance(error, str) else type(error).__name__
    message = str(error).strip().partition("\n")[0] or kind
    if isinstance(error, SystemExit):
        message = f"sys.exit was called: {message}"
    return TrialRecord(
        **_identity(spec),
        status=status,
        metrics=dict.fromkeys(spec.metrics),
        error=Failure(phase=phase, type=kind, message=message, seconds=seconds, traceback=trace),
    )


def _identity(spec: TrialSpec) -> dict[str, Any]:
    card = MODELS[spec.model_name]
    return {
        "key": spec.key,
        "model": spec.model,
        "dataset": spec.dataset,
        "seed": spec.seed,
        "params": spec.params,
        "budget": spec.budget,
        "family": card.family,
        "role": card.role,
        "likelihood": card.likelihood,
        "spec": spec,
    }


def _status(error: BaseException) -> Status:
    """Return the status that an exception means."""
    if isinstance(error, Diverged):
        return "diverged"
    if isinstance(error, BadSamples):
        return "invalid_samples"
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch raises a RuntimeError
        return "out_of_memory"
    return "crashed"


def _peak_memory_mb() -> float | None:
    """Return the peak resident memory of this process, where the system tells."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
