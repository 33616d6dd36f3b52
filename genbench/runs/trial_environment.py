"""The environment of this process, for the record of a trial."""

from __future__ import annotations

import time

from genbench.core.environment import accelerator, machine, versions
from genbench.storage.provenance import Environment

__all__ = ["trial_environment"]


def trial_environment(device: str = "cpu", threads: int = 1, commit: str = "") -> Environment:
    """Return the environment of this process, from now on.

    Args:
        device: "cpu", "cuda" or "mps".
        threads: number of threads that torch may use for one operation.
        commit: the commit of genbench; finding it needs a process.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Environment(
        versions=versions(), device=accelerator(device), threads=threads, commit=commit, time=now, **machine()
    )
