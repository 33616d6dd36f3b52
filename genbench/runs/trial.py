"""One trial from start to end: its task is run, and the result or error becomes a record."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from traceback import clear_frames
from typing import Any

from pydantic import ValidationError

from genbench.contracts.model import MODELS
from genbench.core.downloads import use_data_dir
from genbench.core.errors import BadLoss, BadSamples, ContractError, Diverged, collected_warnings
from genbench.core.exception_text import message_of, place_of, plain, traceback_of
from genbench.core.interrupts import must_stop
from genbench.core.seeding import with_threads
from genbench.core.strict_json import strict_json
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.fence import Fence
from genbench.runs.trial_environment import trial_environment
from genbench.storage.evaluation import Flag
from genbench.storage.provenance import Environment, Provenance
from genbench.storage.records import Failure, Status, TrialRecord, TrialResult, TrialSpec
from genbench.storage.store import Store
from genbench.tasks import load_task
from genbench.tasks.execution import ExecutionOptions
from genbench.testing.source_lines import line_of

__all__ = ["UNFINISHED", "execute", "failed"]

UNFINISHED: tuple[Status, ...] = ("timeout", "out_of_memory")  # may do better next time, from its checkpoint
FLAG = 2000  # letters of a caution; chosen by hand: a few may be paragraphs
FLAGS = 100  # cautions that a record keeps; chosen by hand: nobody reads more
NAME = 100  # letters of a diagnosis' name; chosen by hand: a line of a table
SAVE = "save"  # the last phase: its files are written


def execute(
    spec: TrialSpec,
    store: Store,
    options: ExecutionOptions = ExecutionOptions(),
    tell: Callable[[str], None] = lambda phase: None,
) -> TrialRecord:
    """Run a trial and write its record. An exception of a plugin becomes a record, too.

    A training run that was killed resumes from its checkpoint, which is kept until the trial is done.

    Args:
        spec, store, options: the trial, the store for its record, and options for running it.
        tell: called with the name of each phase that begins.

    Raises:
        OSError: the record cannot be written (a full disk).
        KeyboardInterrupt: the user or the system asks to stop.
    """
    begin, phase = time.perf_counter(), "load"
    fence, ran = Fence(spec, store.path), trial_environment(options.device, options.threads, options.commit)
    options = replace(options, folder=store.trials, files=fence.files)

    def stage(name: str) -> None:
        nonlocal phase
        fence.begin(name)
        phase = name
        tell(name)

    with collected_warnings() as cautions:
        try:
            with use_data_dir(options.data_dir), with_threads(options.threads), fence.around():
                stage("load")
                result = load_task(spec.task).run(ResolvedTrial.of(spec), stage, options)
            phase = SAVE
            tell(SAVE)
            record = _succeeded(spec, result, options.threads, cautions, fence.provenance(ran))
            store.write(record, record.arrays, record.weights)
            _log_scores(record, options)
        except BaseException as error:  # a plugin may raise anything, SystemExit included
            if must_stop(error) or (phase == SAVE and isinstance(error, OSError)):
                raise
            record = failed(spec, _status(error), phase, error, time.perf_counter() - begin)
            record = _with_facts(record, cautions, fence, ran)
            store.write(record)
    store.discard_sweep(spec.key)
    if record.status not in UNFINISHED:
        store.discard_checkpoints(spec.key)
    return record


def _log_scores(record: TrialRecord, options: ExecutionOptions) -> None:
    with suppress(Exception):  # the record is written; the log's package may be missing on a machine of a cluster
        if log := options.log_of(record.spec):
            log.scores(record.metrics)


def failed(
    spec: TrialSpec, status: Status, phase: str, error: BaseException | str, seconds: float, place: str = ""
) -> TrialRecord:
    """Return the record of a trial that failed.

    It has the phase, the place, the seconds and the traceback.
    """
    if isinstance(error, str):
        about = Failure(phase=phase, type=status, message=plain(error), seconds=seconds, place=place)
    else:
        if status == "out_of_memory":
            clear_frames(error.__traceback__)  # what they hold is needed for the record
        about = Failure(
            phase=phase,
            type=plain(type(error).__name__),
            message=_message(error),
            seconds=seconds,
            traceback=traceback_of(error),
            place=place_of(error, spec.plugins) or _place_of_model(spec, error),
        )
    return TrialRecord(**_identity(spec), status=status, metrics=dict.fromkeys(spec.metrics), error=about)


def _succeeded(
    spec: TrialSpec, result: TrialResult, threads: int, cautions: Sequence[str], provenance: Provenance
) -> TrialRecord:
    """Return the record of a trial that did not fail.

    Raises:
        ContractError: a plugin gave something that a record cannot hold.
    """
    result.cost.peak_memory_mb, result.cost.threads = _peak_memory_mb(), threads
    result.diagnostics = {plain(name, NAME): value for name, value in result.diagnostics.items()}
    try:
        record = TrialRecord(**_identity(spec) | vars(result), status="ok")
        record.flags = [*_flags(cautions), *(f.model_copy(update={"text": plain(f.text, FLAG)}) for f in record.flags)]
        record.provenance = provenance
        return _checked(record)
    except ValidationError as error:
        raise ContractError(_unfit(error)) from None


def _message(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        return _unfit(error)
    return f"{'sys.exit was called: ' if isinstance(error, SystemExit) else ''}{message_of(error)}"


def _unfit(error: ValidationError) -> str:
    """Return which part of a record cannot be what a plugin gave, in one line."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"its record cannot hold what was given: {plain(f'{where}: ' if where else '')}{plain(first['msg'])}"


def _checked(record: TrialRecord) -> TrialRecord:
    """Return a record; a ContractError or ValidationError says why what is written could not be read back."""
    content = record.model_dump(mode="json", by_alias=True)
    try:
        text = strict_json(content)
    except ValueError:
        raise ContractError(f"NaN stands for {plain(next(_nan(content), 'a part'))} of the trial's record") from None
    TrialRecord.model_validate_json(text)
    return record


def _with_facts(record: TrialRecord, cautions: Sequence[str], fence: Fence, ran: Environment) -> TrialRecord:
    """Return the record of a failure with what else is known, as far as it can be written."""
    try:
        more = record.model_copy(update={"flags": _flags(cautions), "provenance": fence.provenance(ran)})
        return _checked(more)
    except BaseException as error:  # what a plugin holds may refuse anything
        if must_stop(error):
            raise
        return record


def _flags(cautions: Sequence[str]) -> list[Flag]:
    return [Flag(text=plain(text, FLAG)) for text in cautions[:FLAGS]]


def _nan(content: Any, path: str = "") -> Iterator[str]:
    """Yield where plain data hold NaN."""
    if isinstance(content, float) and math.isnan(content):
        yield path
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, part in parts:
        yield from _nan(part, f"{path}.{name}" if path else str(name))


def _place_of_model(spec: TrialSpec, error: BaseException) -> str:
    """Return where the user's model is defined, or its wrong loss, for an error that the engine raises about it."""
    card = MODELS.cards.get(spec.model_name)
    if card is not None and not card.built_in and isinstance(error, BadLoss):
        return plain(line_of(card, (error.method,), error.suspects), NAME)
    return "" if card is None or card.built_in else plain(f"{card.file.name}:{card.line}", NAME)


def _identity(spec: TrialSpec) -> dict[str, Any]:
    card = MODELS.cards.get(spec.model_name)  # None of a plugin that this process could not import
    return {
        "key": spec.key,
        "model": spec.model,
        "dataset": spec.dataset,
        "seed": spec.seed,
        "params": spec.params,
        "budget": spec.budget,
        "family": card.family if card else "unknown",
        "role": card.role if card else "model",
        "likelihood": card.likelihood if card else "none",
        "spec": spec,
    }


def _status(error: BaseException) -> Status:
    """Return the status that an exception means."""
    if isinstance(error, Diverged):
        return "diverged"
    if isinstance(error, BadSamples):
        return "invalid_samples"
    if isinstance(error, MemoryError) or "can't allocate memory" in message_of(error):  # torch raises a RuntimeError
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
