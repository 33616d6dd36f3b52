"""The environment of this process, as a trial's record has it."""

from __future__ import annotations

import time

from genbench.core.environment import accelerator, machine, versions
from genbench.storage.provenance import Environment

__all__ = ["trial_environment"]


def trial_environment(device: str = "cpu", threads: int = 1, commit: str = "") -> Environment:
    """Return where this process computes, from now on.

    Args:
        device: "cpu", "cuda" or "mps".
        threads: that torch may use for one operation.
        commit: of genbench, which takes a process to find out.
    """
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Environment(
        versions=versions(), device=accelerator(device), threads=threads, commit=commit, time=now, **machine()
    )
