"""Settings of the whole process that a plugin can change: read, restored, described.

A plugin that sets torch's default dtype or numpy's error state changes what all later code computes, other models
included. So the settings are restored after a plugin's import and constructor, and before each phase of a trial.
"""

from __future__ import annotations

import contextlib
import decimal
import gc
import locale
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

__all__ = ["ProcessState", "put_back"]

_UNKNOWN = object()  # a value that nobody has read, or that this machine does not have


@dataclass(frozen=True)
class _Setting:
    """One setting of the process or of a library.

    Attributes:
        name: in words.
        read: its value.
        write: puts a value back.
        fresh: its value in a new process, for a library that was imported after the others were read.
        quiet: whether no number depends on it, so that nobody need be told.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    fresh: Any = _UNKNOWN
    quiet: bool = False


class ProcessState:
    """The settings of this process at one time.

    Args:
        fresh: take the settings of a new process instead, where they are known and affect numbers.
    """

    def __init__(self, fresh: bool = False) -> None:
        self._values = {
            setting.name: setting.fresh if fresh and setting.fresh is not _UNKNOWN else _value(setting)
            for setting in _settings()
        }
        self._path = list(sys.path)

    def restore(self) -> list[str]:
        """Restore the settings that differ now, and describe them.

        The list has those that may affect numbers.

        New entries of `sys.path` are kept, but at the end, where they shadow nothing: a method of a plugin may import
        from a folder that its file added.
        """
        changed = []
        sys.path[:] = [*self._path, *(entry for entry in sys.path if entry not in self._path)]
        for setting in _settings():
            before, now = self._values.get(setting.name, setting.fresh), _value(setting)
            if before is _UNKNOWN or now is _UNKNOWN or before == now:
                continue
            try:
                setting.write(before)
                kept = _value(setting) != before
            except (OSError, RuntimeError, TypeError, ValueError):  # such as a working folder that is gone
                kept = True
            if kept or not setting.quiet:
                words = f" from {before} to {now}" if len(f"{before}{now}") < 80 else ""  # chosen by hand: half a line
                changed.append(f"{setting.name}{words}" + (" (it could not be put back)" if kept else ""))
        return changed


@contextmanager
def put_back() -> Iterator[list[str]]:
    """Restore, at the end, the settings that the block changed.

    The list that it yields then describes them.
    """
    state, changed = ProcessState(), list[str]()
    try:
        yield changed
    finally:
        changed += state.restore()


def _value(setting: _Setting) -> Any:
    try:
        return setting.read()
    except (AttributeError, OSError, RuntimeError, ValueError):  # another version of the library has no such setting
        return _UNKNOWN


def _settings() -> Iterator[_Setting]:
    """Yield what there is to set, of the libraries that are imported by now."""
    yield from _of_python()
    yield from _of_numpy()
    if hasattr(sys.modules.get("torch"), "set_default_device"):  # imported to its end
        yield from _of_torch(sys.modules["torch"])
    if hasattr(sys.modules.get("sklearn"), "set_config"):
        sklearn = sys.modules["sklearn"]
        yield _Setting("scikit-learn's configuration", sklearn.get_config, lambda value: sklearn.set_config(**value))
    if "threadpoolctl" in sys.modules:
        yield _Setting("threads of BLAS and OpenMP", _pools, _set_pools, quiet=True)
    if hasattr(sys.modules.get("matplotlib"), "rcParams"):
        rc = sys.modules["matplotlib"].rcParams
        # as matplotlib's own rc_context does: the backend is no matter of style, and values are valid already
        style = {name for name in dict.keys(rc) if not name.startswith("backend")}
        yield _Setting(
            "matplotlib's style",
            lambda: {name: dict.__getitem__(rc, name) for name in style},
            lambda value: dict.update(rc, value),
            quiet=True,
        )


def _of_python() -> Iterator[_Setting]:
    yield _Setting("environment variables", _environment, _set_environment, quiet=True)
    yield _Setting("the working folder", os.getcwd, os.chdir)
    yield _Setting("the locale", lambda: locale.setlocale(locale.LC_ALL), _set_locale)
    yield _Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit)
    yield _Setting("the decimal context", _decimal, lambda value: decimal.setcontext(decimal.Context(**dict(value))))
    yield _Setting("warning filters", lambda: list(warnings.filters), _set_filters, quiet=True)
    yield _Setting("garbage collection", gc.isenabled, lambda on: gc.enable() if on else gc.disable(), quiet=True)
    yield _Setting("signal handlers", _signals, _set_signals, quiet=True)
    for module, name in ((sys, "stdout"), (sys, "stderr"), (sys, "excepthook"), (warnings, "showwarning")):
        yield _attribute(module, name, name, quiet=True)


def _attribute(owner: Any, name: str, label: str, quiet: bool = False) -> _Setting:
    return _Setting(label, lambda: getattr(owner, name), lambda value: setattr(owner, name, value), quiet=quiet)


def _of_numpy() -> Iterator[_Setting]:
    usual = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    yield _Setting("numpy's error state", np.geterr, lambda value: np.seterr(**value), usual, quiet=True)
    yield _Setting("numpy's error function", np.geterrcall, np.seterrcall, quiet=True)
    yield _Setting("numpy's print options", np.get_printoptions, lambda value: np.set_printoptions(**value), quiet=True)


def _of_torch(torch: Any) -> Iterator[_Setting]:
    """Yield the settings of torch; what a new process has is said in the manual of each function."""
    yield _Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype, torch.float32)
    yield _Setting("torch's default device", lambda: str(torch.get_default_device()), _set_device, "cpu")
    yield _Setting("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled, True)
    yield _Setting("torch's inference mode", torch.is_inference_mode_enabled, lambda _: None, False)
    yield _Setting(
        "torch's deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
        (False, False),
        quiet=True,
    )
    yield _Setting(
        "torch's float32 matmul precision",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        "highest",
    )
    yield _Setting("torch's threads", torch.get_num_threads, torch.set_num_threads, quiet=True)
    yield _Setting("flushing of subnormal numbers to 0", _flushes, torch.set_flush_denormal, False)
    yield _Setting(
        "torch's autocast",
        lambda: (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        lambda value: (torch.set_autocast_enabled("cpu", value[0]), torch.set_autocast_dtype("cpu", value[1])),
        (False, torch.bfloat16),
    )
    searching = torch.is_anomaly_enabled
    yield _Setting("torch's search for anomalies", searching, torch.autograd.set_detect_anomaly, False, quiet=True)
    backends, cudnn = torch.backends, ("enabled", "benchmark", "deterministic", "allow_tf32")
    yield from (_attribute(backends.cudnn, name, f"torch.backends.cudnn.{name}", quiet=True) for name in cudnn)
    yield _attribute(backends.cuda.matmul, "allow_tf32", "torch.backends.cuda.matmul.allow_tf32")
    yield _attribute(backends.mkldnn, "enabled", "torch.backends.mkldnn.enabled")
    for name in ("flash", "mem_efficient", "math"):
        read = getattr(torch.backends.cuda, f"{name}_sdp_enabled")
        yield _Setting(f"torch's {name} attention", read, getattr(torch.backends.cuda, f"enable_{name}_sdp"), True)
    hooks = torch.nn.modules.module
    for name in ("forward", "forward_pre", "backward", "backward_pre", "module_registration", "parameter_registration"):
        found = getattr(hooks, f"_global_{name}_hooks", None)
        if found is not None:
            yield _Setting(f"torch's global {name} hooks", found.copy, _refill(found), {})


def _environment() -> dict[str, str]:
    # KMP_…: libraries that bring an OpenMP of their own set these for each other when they are loaded
    return {name: value for name, value in os.environ.items() if not name.startswith("KMP_")}


def _set_environment(value: dict[str, str]) -> None:
    for name in _environment().keys() - value.keys():
        del os.environ[name]
    os.environ.update(value)
    if hasattr(time, "tzset"):
        time.tzset()


def _set_locale(value: str) -> None:
    locale.setlocale(locale.LC_ALL, value)


def _decimal() -> list[tuple[str, Any]]:
    """Return the decimal context, without the signals that past computations left in it."""
    context = decimal.getcontext()
    names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    traps = [signal for signal, trapped in context.traps.items() if trapped]
    return [*((name, getattr(context, name)) for name in names), ("traps", traps)]


def _set_filters(value: list[Any]) -> None:
    warnings.filters[:] = value  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _signals() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_signals(value: dict[int, Any]) -> None:
    for number, handler in value.items():
        if handler is not None and signal.getsignal(number) is not handler:  # None: not set by Python
            signal.signal(number, handler)


def _set_device(value: str) -> None:
    torch = sys.modules["torch"]
    torch.set_default_device(None)
    if str(torch.get_default_device()) != value:
        torch.set_default_device(value)


def _flushes() -> bool:
    """Whether this thread's processor takes subnormal numbers for 0."""
    smallest, half = sys.float_info.min, 0.5
    return smallest * half == 0


def _refill(found: dict[Any, Any]) -> Callable[[dict[Any, Any]], None]:
    def write(value: dict[Any, Any]) -> None:
        found.clear()
        found.update(value)

    return write


@cache
def _controllers() -> list[Any]:
    """Return the libraries with threads of their own that are loaded when this is first asked; it takes 50 ms."""
    return list(sys.modules["threadpoolctl"].ThreadpoolController().lib_controllers)


def _pools() -> list[int | None]:
    return [library.num_threads for library in _controllers()]


def _set_pools(value: list[int | None]) -> None:
    for library, threads in zip(_controllers(), value, strict=True):
        with contextlib.suppress(TypeError):
            library.set_num_threads(threads)
