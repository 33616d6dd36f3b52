"""The record of a trial whose process ended without a record.

It was stopped or killed, or ended by itself.
"""

from __future__ import annotations

import signal

from genbench.runs.trial import failed
from genbench.runs.worker_process import Ended
from genbench.storage.provenance import Environment, Provenance
from genbench.storage.records import Status, TrialRecord, TrialSpec

__all__ = ["record_of"]


def record_of(
    spec: TrialSpec, ended: Ended, timeout: float, has_checkpoint: bool, ran: Environment = Environment()
) -> TrialRecord:
    """Return the record of a trial that wrote none.

    Args:
        spec: the spec of the trial.
        ended: how its process ended; the second time, if the first end may not have been its own fault.
        timeout: its time limit in seconds.
        has_checkpoint: whether it would resume from a checkpoint.
        ran: the environment in which it ran.
    """
    status, text = _in_words(ended, timeout, has_checkpoint)
    record = failed(spec, status, ended.phase, text, ended.seconds, ended.place)
    record.provenance = Provenance(**dict(ran))
    if record.error:
        record.error.blameless = ended.blameless and status != "out_of_memory"
    return record


def _in_words(ended: Ended, timeout: float, has_checkpoint: bool) -> tuple[Status, str]:
    """Return the status of a trial whose process ended without a record, and what became of it."""
    if ended.error is not None:
        text = str(ended.error)
        return ("out_of_memory" if text.startswith("MemoryError") else "crashed"), text
    if ended.timed_out and ended.began:
        remedy = ", and with --retry-failed it resumes" if has_checkpoint else ""
        return "timeout", f"stopped after {timeout:g} s; raise --timeout if it needs more{remedy}"
    code = ended.exitcode or 0
    if ended.began and not ended.lost and code == -getattr(signal, "SIGKILL", 9) and ended.short_of_memory is not False:
        known = "by the system for want of memory (SIGKILL of the OOM killer), twice"
        return "out_of_memory", f"killed {known if ended.short_of_memory else 'twice, most often for want of memory'}"
    if ended.blameless:
        return "crashed", f"{_from_outside(ended)}; the next run does it again"
    if code < 0:
        return "crashed", f"the process died of {_exit(code)}"
    return "crashed", f"the process ended without a result, with exit code {code}: by os._exit({code}) or the like"


def _from_outside(ended: Ended) -> str:
    """Return what became of a process that did not end through a fault of its own."""
    if ended.timed_out:
        return f"its process did not begin in {ended.seconds:.0f} s, twice"
    if ended.lost:
        return "the server of worker processes was killed while it ran, twice"
    exit_code = _exit(ended.exitcode or 0)
    if not ended.began:
        return f"its process ended before it began, twice ({exit_code})"
    return f"killed twice, from outside or by itself ({exit_code}), and not for want of memory"


def _exit(code: int) -> str:
    """Return the name of the signal that ended a process, or its exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
