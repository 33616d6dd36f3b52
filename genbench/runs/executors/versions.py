"""Whether workers of a cluster give the same results as this process.

It depends on their Python, their genbench and their libraries.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from genbench.core.environment import versions

__all__ = ["differences", "facts"]

PACKAGES = ("genbench", "genbench.models", "genbench.datasets")  # which may lie in three places
CODE = "genbench's code"
DIGITS = 8  # of a digest, by hand: enough to compare by eye


def facts() -> dict[str, str]:
    """Return the versions of the software that computes trials here.

    They include a digest of genbench's code.
    """
    return dict(_facts())


@cache
def _facts() -> dict[str, str]:
    try:
        own = version("genbench")
    except PackageNotFoundError:  # run from a checkout
        own = "unknown"
    return {"genbench": own, CODE: _code(), **versions()}


def _code() -> str:
    digest = hashlib.sha256()
    for name in PACKAGES:
        for folder in map(Path, importlib.import_module(name).__path__):
            for file in sorted(folder.rglob("*.py")):
                digest.update(f"{name} {file.relative_to(folder).as_posix()}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:DIGITS]


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return why another process cannot run trials of this one, and what may change digits.

    Both are lists of text. Another genbench would write different results under the same names, another torch draws and
    trains differently, and another minor version of Python cannot read what is sent to it.
    """
    unfit: list[str] = []
    other: list[str] = []
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        here, there = mine.get(name, "none"), theirs.get(name, "none")
        if here == there:
            continue
        essential = name in ("genbench", CODE, "torch", "python")
        same = name in ("torch", "python") and _essence(name, here) == _essence(name, there)
        (unfit if essential and not same else other).append(f"{name} {there} instead of {here}")
    return unfit, other


def _essence(name: str, text: str) -> str:
    """Return the part of a version that must agree: of Python major and minor, of torch all but the kind of build."""
    return ".".join(text.split(".")[:2]) if name == "python" else text.partition("+")[0]
