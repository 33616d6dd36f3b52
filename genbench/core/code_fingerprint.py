"""Fingerprints of source code: a module and all that it imports from this project.

A trial's result is reused only while the code that made it is the same. Comments, docstrings and layout do not count:
what is hashed is the syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from genbench.core.public_names import HOME

__all__ = ["fingerprint"]

# They find, name, show and report; no number of a trial depends on them.
PLUMBING = {
    "genbench",
    "genbench.core.registry",
    "genbench.core.notebook_views",
    "genbench.core.selection",
    "genbench.core.errors",
    "genbench.core.files",
    "genbench.core.parameters",
    "genbench.storage.records",
}


def fingerprint(*files: Path) -> dict[str, str]:
    """Return a digest per module: of the given files and, transitively, of what they import from genbench.

    A file outside of genbench goes by its file name.
    """
    digests: dict[str, str] = {}
    todo = [(_module_name(file), file) for file in files]
    while todo:
        name, file = todo.pop()
        if name in digests or name in PLUMBING:
            continue
        digest, imports = _scan(file)
        digests[name] = digest
        for imported in imports:
            found = _locate(imported)
            if found:
                todo.append((imported, found))
    return dict(sorted(digests.items()))


@cache
def _scan(file: Path) -> tuple[str, tuple[str, ...]]:
    """Return the digest of a file and the names that it imports from genbench."""
    if not file.is_file():  # typed into an interpreter: nothing to hash, nothing to find
        return "unknown", ()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports |= {node.module} | {_home(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]
    return digest, tuple(sorted(name for name in imports if name.split(".")[0] == "genbench"))


def _home(module: str, name: str) -> str:
    """Return the module that `from module import name` really reads: genbench's public names live in submodules."""
    if module == "genbench":
        return HOME.get(name, f"genbench.{name}")
    return f"{module}.{name}"


@cache
def _locate(name: str) -> Path | None:
    """Return the file of a genbench module, or None for what is no module (a function in one)."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _module_name(file: Path) -> str:
    """Return a name for a file that is the same on every machine."""
    for package in ("genbench.models", "genbench.datasets", "genbench.metrics", "genbench.tasks", "genbench.nn"):
        spec = importlib.util.find_spec(package)
        if spec and file.parent in map(Path, spec.submodule_search_locations or ()):
            return f"{package}.{file.stem}"
    return file.name
