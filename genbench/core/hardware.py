"""The processors and accelerators of this machine."""

from __future__ import annotations

import os

from genbench.core.errors import GenbenchError

__all__ = ["DEVICES", "ONE_THREAD", "choose_device", "cores"]


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Parallelism is across trials. Libraries read these when they are imported.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(asked: str) -> str:
    """Return the device for a name: "auto" is "cuda" or "mps" where there is one, else "cpu".

    Only the processor has been tried.

    Raises:
        GenbenchError: the name is unknown, or this machine or its torch has no such device.
    """
    if asked not in DEVICES:
        raise GenbenchError(f"device '{asked}' is unknown; choose one of {', '.join(DEVICES)}")
    if asked == "cpu":
        return asked
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next((name for name, available in there.items() if available), "cpu")
    if not there[asked]:
        raise GenbenchError(f"device '{asked}' is not there, or torch was built without it; use --device cpu or auto")
    return asked
