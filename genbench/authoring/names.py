"""Names for new plugins, valid for a file, in Python and on the command line."""

from __future__ import annotations

import builtins
import keyword
import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from genbench.contracts.metric import CHEAP
from genbench.core.errors import GenbenchError, shown
from genbench.core.registry import REGISTRY, WHOLE, discover

__all__ = ["check_free", "check_name", "class_name"]

USED = ("np", "test")  # by the files that are written: as a module's short name, and as a folder


def check_name(name: str) -> None:
    """Check that a name is valid for a file, a function and the command line.

    It must not hide a name of Python.

    Raises:
        GenbenchError: the name is not valid.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name, re.ASCII):
        better = _snake_case(name)
        remedy = f"write {better}" if better else "write lower-case letters, digits and _, as in my_flow"
        raise GenbenchError(f"'{shown(name)}' is no name for a Python file; {remedy}")
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in USED or name.startswith("test_"):
        raise GenbenchError(f"'{name}' has a meaning in Python or pytest; choose another name, such as my_{name}")
    if name in sys.stdlib_module_names or _installed(name):
        raise GenbenchError(
            f"'{name}' is a module of Python or an installed package, which a file of that name would hide; "
            f"choose another name, such as my_{name}"
        )


def _installed(name: str) -> bool:
    """Return whether a package or module has the name, other than a file in this folder."""
    elsewhere = [folder for folder in sys.path if folder not in ("", os.curdir, str(Path.cwd()))]
    others = [finder for finder in sys.meta_path if finder is not PathFinder]  # those of editable installations
    return bool(PathFinder.find_spec(name, elsewhere)) or any(finder.find_spec(name, None) for finder in others)


def check_free(group: str, name: str) -> None:
    """Check that no model, dataset or metric ("models", …) has a name.

    Raises:
        GenbenchError: the name is taken.
    """
    discover(groups=(group,))
    registered = REGISTRY[group]
    if name in registered.cards or name in registered.suites or name in (*WHOLE, CHEAP):
        raise GenbenchError(
            f"there is a {registered.singular} '{name}' already; choose another name, such as my_{name}"
        )


def class_name(name: str) -> str:
    """Return the name of a class, made of the name of a plugin.

    >>> class_name("my_flow2_net")
    'MyFlow2Net'
    """
    return "".join(part.capitalize() for part in name.split("_"))


def _snake_case(name: str) -> str:
    """Return the nearest name that is fit; "" where there is none."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    fit = re.sub(r"[^a-z0-9]+", "_", parted, flags=re.ASCII).strip("_")
    return fit if re.match(r"[a-z]", fit, re.ASCII) else ""
