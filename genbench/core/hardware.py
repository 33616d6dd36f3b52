"""The processors and accelerators of this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from genbench.core.errors import GenbenchError

__all__ = ["DEVICES", "ONE_THREAD", "choose_device", "cores", "default_device"]


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Parallelism is across trials. Libraries read these when they are imported.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(asked: str) -> str:
    """Return the device for a name; "auto" is "cuda" or "mps" if present, else "cpu".

    Tests simulate the accelerators, see `genbench.testing.device_audit`.

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
        built = {"cuda": torch.version.cuda is not None, "mps": torch.backends.mps.is_built()}[asked]
        why = "torch finds none on this machine" if built else f"torch {torch.__version__} was built without it"
        raise GenbenchError(f"device '{asked}' is not there: {why}; use --device cpu or auto")
    return asked


@contextlib.contextmanager
def default_device(device: str) -> Iterator[None]:
    """Make a device the default of all tensors that are created in the block.

    On CUDA, torch uses algorithms that repeat their results bit by bit.

    Where torch has no such algorithm, it uses the usual one and warns.
    """
    if device == "cpu":
        yield
        return
    import torch

    with torch.device(device):
        if not device.startswith("cuda"):
            yield
            return
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA's first product is computed
        cudnn, before = torch.backends.cudnn, torch.are_deterministic_algorithms_enabled()
        warn_only, benchmark = torch.is_deterministic_algorithms_warn_only_enabled(), cudnn.benchmark
        torch.use_deterministic_algorithms(True, warn_only=True)  # those of cuDNN, too
        cudnn.benchmark = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            cudnn.benchmark = benchmark
