"""Functions and classes of libraries that a plugin replaces.

The replacements are found, undone, and put in place only for trials of that plugin.

`torch.nn.functional.gelu = mine` changes every model that is run by the same process. Watched are public functions,
classes and methods of genbench and of the libraries that affect numbers. A new name replaces nothing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import is_
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["LIBRARIES", "Patch", "applied", "taken_back"]

LIBRARIES = ("numpy", "torch", "scipy", "sklearn", "ot", "pandas", "torchdiffeq")
WATCHED = ("builtins", "genbench", "math", "random", "statistics", *LIBRARIES)
# Parts of torch that no model calls: they are half of its modules.
UNUSED = ("torch.distributed", "torch.onnx", "torch.testing", "torch.utils.data", "torch.ao", "torch.package")


_in_place: list[Patch] = []  # now
_INHERITED = object()  # what a class had from a base class


@dataclass(frozen=True, eq=False)
class Patch:
    """A replaced name of a module or class."""

    owner: Any
    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        prefix = "" if self.owner.__name__ == "builtins" else f"{_label(self.owner)}."
        return f"{prefix}{self.name}"

    def put(self, after: bool) -> None:
        """Bind the name to its value after the patch, or to the one before it."""
        value = self.after if after else self.before
        if value is _INHERITED:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, value)


@dataclass(frozen=True, eq=False)
class _Names:
    """What the names of a module or class stand for; of a module, its public classes, too."""

    owner: Any
    known: dict[str, Any]
    classes: Sequence[type] = ()

    @classmethod
    def of(cls, owner: Any) -> _Names:
        """Return what the names stand for now."""
        known = dict(vars(owner))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecated names
            classes = [
                part
                for name, part in known.items()
                if isinstance(part, type) and not name.startswith("_") and part.__module__ == owner.__name__
            ]
        return cls(owner, known, classes if isinstance(owner, ModuleType) else ())

    @property
    def unchanged(self) -> bool:
        """Whether there are as many names, and each, in order, stands for the same."""
        now = vars(self.owner)
        return len(now) == len(self.known) and all(map(is_, now.values(), self.known.values()))


class _LibraryNames:
    """What the public names of some modules stand for now; what has not changed since an earlier look is taken over."""

    def __init__(self, modules: Sequence[ModuleType], earlier: _LibraryNames | None = None) -> None:
        self.of = (modules, list(_in_place))
        before = earlier.all if earlier else {}
        self.all: dict[int, _Names] = {}
        for module in modules:
            self._look(module, before)
        for part in [part for names in list(self.all.values()) for part in names.classes]:
            self._look(part, before)

    def _look(self, owner: Any, before: Mapping[int, _Names]) -> None:
        names = before.get(id(owner))  # which keeps its owner alive, so that no other has its id
        self.all[id(owner)] = names if names and names.unchanged else _Names.of(owner)

    def patches(self) -> list[Patch]:
        """Return the names that stand for something else by now."""
        found = []
        for names in self.all.values():
            if names.unchanged:
                continue
            owner = names.owner
            for name, after in vars(owner).items():
                before = names.known.get(name, _INHERITED)
                if before is after or not _public(name) or not _counts(owner, after):
                    continue
                new = before is _INHERITED and not _inherits(owner, name)
                patch = Patch(owner, name, before, after)
                if not new and not _is_own(patch):
                    found.append(patch)
        return found


_names = _LibraryNames(())


@contextmanager
def taken_back() -> Iterator[list[Patch]]:
    """Undo, at the end, what the block replaces in libraries.

    The list that it yields then holds the patches.
    """
    global _names  # noqa: PLW0603  it takes 40 ms to make at first
    modules = [module for name, module in list(sys.modules.items()) if _watched(name)]
    if (modules, _in_place) != _names.of:
        _names = _LibraryNames(modules, _names)
    names, found = _names, list[Patch]()
    try:
        yield found
    finally:
        found += names.patches()
        for patch in found:
            patch.put(after=False)


@contextmanager
def applied(patches: Sequence[Patch]) -> Iterator[None]:
    """Apply patches inside the block, and undo them after it."""
    for patch in patches:
        patch.put(after=True)
        _in_place.append(patch)
    try:
        yield
    finally:
        for patch in reversed(patches):
            patch.put(after=False)
            _in_place.remove(patch)


def _label(owner: Any) -> str:
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else str(owner.__name__)


@cache
def _watched(name: str) -> bool:
    parts = name.split(".")
    private = any(part.startswith("_") for part in parts)
    return parts[0] in WATCHED and not private and not name.startswith(UNUSED)


def _public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _inherits(owner: Any, name: str) -> bool:
    return isinstance(owner, type) and any(name in vars(base) for base in owner.__mro__[1:])


def _counts(owner: Any, part: Any) -> bool:
    """Whether numbers may depend on a part: a function, or a constant of a module; numbers of classes are counters."""
    constant = isinstance(owner, ModuleType) and isinstance(part, int | float | complex)
    return constant or callable(part) or isinstance(part, classmethod | staticmethod | property)


def _is_own(patch: Patch) -> bool:
    """Whether the library itself wrapped its function, as torch does where its compiler is imported."""
    after = patch.after
    before = patch.before
    if before is _INHERITED:
        before = next(vars(base)[patch.name] for base in patch.owner.__mro__[1:] if patch.name in vars(base))
    code = getattr(after, "__code__", None)
    root = sys.modules[_label(patch.owner).partition(".")[0]]
    folder = Path(getattr(root, "__file__", None) or "/nowhere").parent
    same = getattr(after, "__name__", "") == getattr(before, "__name__", None)
    return same and code is not None and Path(code.co_filename).is_relative_to(folder)
