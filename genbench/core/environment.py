"""What a run ran on: versions, processor, commit, command line."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["environment", "versions"]

COMPUTING = ("torch", "numpy", "scipy", "scikit-learn", "POT", "torchdiffeq")
LIBRARIES = ("genbench", "torch", "numpy", "scipy", "POT", "scikit-learn", "pandas", "torchdiffeq")


@cache
def _versions() -> dict[str, str]:
    found = {name: _version(name) for name in COMPUTING}
    return {"python": platform.python_version(), **{name: version for name, version in found.items() if version}}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers come from, by name."""
    return dict(_versions())


def environment() -> dict[str, Any]:
    """Return the facts that a reader needs to repeat a run."""
    return {
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _commit() -> str | None:
    """Return the commit of the checkout that genbench runs from, with a + where files differ from it."""
    here = Path(__file__).parents[1]  # the package
    try:
        call = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        if not (here.parent / ".git").exists():
            return None
        return subprocess.run(call, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
