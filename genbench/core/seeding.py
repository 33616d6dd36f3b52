"""Independent random streams from one seed, and isolation of the global generators."""

from __future__ import annotations

import random
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

__all__ = ["generator", "isolated", "stream", "torch_generators_kept", "with_threads"]

_threads: ContextVar[int] = ContextVar("threads", default=1)  # that torch may use for one operation


def stream(seed: int, *names: str | int) -> int:
    """Return the 32-bit seed of a named stream of `seed`.

    Streams with different names are independent.

    >>> stream(0, "data") != stream(0, "training")
    True
    """
    words = [zlib.crc32(str(name).encode()) for name in names]
    return int(np.random.SeedSequence([seed, *words]).generate_state(1)[0])


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a numpy generator for the named stream of `seed`."""
    return np.random.default_rng(stream(seed, *names))


@contextmanager
def with_threads(n: int) -> Iterator[None]:
    """Let torch use n intra-op threads in `isolated` blocks inside this block.

    The default is one thread.
    """
    token = _threads.set(n)
    try:
        yield
    finally:
        _threads.reset(token)


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, numpy and torch inside the block.

    Their former states are restored after it.

    So plugins can call `torch.randn` or `np.random.normal` and set no seed. torch runs with one intra-op thread inside,
    unless `with_threads` allows more: on small networks two threads on a busy machine are 25 to 50 times slower than
    one. torch is seeded only if it is imported already.
    """
    python, legacy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is None:
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
        return
    before = torch.get_num_threads()
    torch.set_num_threads(_threads.get())
    try:
        with torch_generators_kept():
            _seed(torch, seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_num_threads(before)


def _seed(torch: Any, seed: int) -> None:
    """Seed torch's global generators, of which a machine without accelerators has one.

    `torch.manual_seed` makes a note for CUDA even there, with a traceback, and takes 2 ms.
    """
    if torch.cuda.is_initialized() or torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@contextmanager
def torch_generators_kept() -> Iterator[None]:
    """Restore torch's global generators after the block.

    They are those of the CPU and of the GPUs in use.
    """
    import torch

    kept: list[tuple[Callable[[Any], None], Any]] = [(torch.set_rng_state, torch.get_rng_state())]
    if torch.cuda.is_initialized():
        kept.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    if torch.backends.mps.is_available() and torch.get_default_device().type == "mps":
        kept.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    try:
        yield
    finally:
        for put_back, state in kept:
            put_back(state)
