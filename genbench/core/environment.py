"""The environment of a run: versions, processor, commit, command line."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["accelerator", "command", "commit", "environment", "machine", "version_of", "versions"]

COMPUTING = ("torch", "numpy", "scipy", "scikit-learn", "POT", "torchdiffeq")
LIBRARIES = ("genbench", "torch", "numpy", "scipy", "POT", "scikit-learn", "pandas", "torchdiffeq")


@cache
def _versions() -> dict[str, str]:
    found = {name: version_of(name) for name in COMPUTING}
    return {"python": platform.python_version(), **{name: version for name, version in found.items() if version}}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that affect numbers, by name."""
    return dict(_versions())


@cache
def _machine() -> dict[str, Any]:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return {
        "genbench": version_of("genbench") or "",
        "system": system,
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def machine() -> dict[str, Any]:
    """Return genbench's version, the operating system, and the processors.

    The processors are described by name and number.
    """
    return dict(_machine())


def accelerator(device: str) -> str:
    """Return a device with the name of its accelerator: "cuda (NVIDIA H200)".

    Only the name of a CUDA device is known; another device is returned as it is.
    """
    if device != "cuda":
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name()})"


def environment() -> dict[str, Any]:
    """Return the facts that a reader needs to repeat a run."""
    return {
        "python": platform.python_version(),
        "libraries": {name: version_of(name) for name in LIBRARIES},
        **{name: fact for name, fact in _machine().items() if name != "genbench"},
        "commit": commit(),
        "command": command(),
    }


def command() -> list[str]:
    """Return the command that started this process, in the form in which it is typed."""
    name = Path(sys.argv[0]).name
    return ["genbench" if name == "__main__.py" else name, *sys.argv[1:]]


def version_of(name: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # long on a machine of many cores
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


@cache
def commit() -> str | None:
    """Return the commit of the checkout that genbench runs from.

    A + after it says that files differ from the commit.
    """
    here = Path(__file__).parents[1]  # the package
    try:
        call = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        if not (here.parent / ".git").exists():
            return None
        return subprocess.run(call, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
