"""The user's code that a plugin uses besides the definitions of its own file.

A plugin may import a file beside it, at its top or inside a function, by a relative import, through a folder that it
adds to `sys.path`, or through `importlib`. All of these files count whole, by their syntax trees, so that a comment or
a docstring changes nothing.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from genbench.core.syntax import bound_names, normal_form
from genbench.core.user_files import content_digest, is_of_user

__all__ = ["imported_files", "imported_names", "surroundings"]

IMPORTERS = ("import_module", "__import__")  # functions whose first argument is the name of a module


def imported_files(file: Path, loaded: Iterable[Path] = ()) -> list[Path]:
    """Return the user's files that a file imports, directly or indirectly.

    Imports anywhere in the file count. The file itself is not in the list.

    Args:
        loaded: files of modules that its import has loaded; they count too.
    """
    found: dict[Path, None] = {}
    todo = [file, *loaded]
    while todo:
        here = todo.pop()
        if here not in found:
            found[here] = None
            todo += [path for name in imported_names(here) for path in _files_of(name, here, file.parent)]
    return sorted(path for path in found if path != file)


def surroundings(file: Path, imported: Iterable[Path], script: bool = False) -> str:
    """Return a digest of the code around the definitions of a plugin's file.

    It is "" where there is no such code.

    This code is the imported files, the names from other libraries, and the statements that define nothing.

    Args:
        script: whether the file is the script that the user runs. Its statements do more than prepare a plugin.
    """
    forms = []
    for statement in _tree(file).body:
        plain = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            forms += _renamed(statement)
        elif not bound_names(statement) and not plain and not script:
            forms.append(normal_form(statement, {}, (), {}, ()))
    for path in imported:
        compiled = [] if path.suffix == ".py" else [content_digest(path)]
        forms += [path.name, *map(_form, _tree(path).body), *compiled]
    return hashlib.sha256("\n".join(forms).encode()).hexdigest()[:12] if forms else ""


def imported_names(file: Path, everywhere: bool = True) -> list[str]:
    """Return the names of the modules that a file imports.

    A relative import has its dots before the name.

    Args:
        everywhere: also inside functions.
    """
    names: dict[str, None] = {}
    for node in _nodes(_tree(file), everywhere):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            joint = "" if module.endswith(".") else "."
            names |= dict.fromkeys([module, *(f"{module}{joint}{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in IMPORTERS:
            names |= dict.fromkeys(str(part.value) for part in node.args[:1] if isinstance(part, ast.Constant))
    return list(names)


def _nodes(node: ast.AST, everywhere: bool) -> Iterator[ast.AST]:
    """Yield a tree's nodes, those inside functions only if asked."""
    yield node
    if everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _nodes(child, everywhere)


def _files_of(name: str, file: Path, folder: Path) -> list[Path]:
    """Return the user's files that the import of a module reads, those of its packages first; none for a library's.

    Args:
        file: the one that imports.
        folder: of the plugin.
    """
    dots = len(name) - len(name.lstrip("."))
    parts = [part for part in name.lstrip(".").split(".") if part]
    if dots:
        roots = [file.parents[dots - 1]] if dots <= len(file.parents) else []
    else:
        roots = [file.parent, folder, *(Path(entry or ".").resolve() for entry in sys.path)]
    for root in roots:
        found = _below(root, parts)
        if found:
            return [path for path in found if is_of_user(path)]
    return []


def _below(root: Path, parts: list[str]) -> list[Path]:
    """Return the files of the module `a.b.c` in a folder, as far as there are any."""
    found, here = [], root
    if not parts and (root / "__init__.py").is_file():
        return [root / "__init__.py"]
    for part in parts:
        here /= part
        file = next((path for path in (here / "__init__.py", here.with_suffix(".py")) if path.is_file()), None)
        if file:
            found.append(file)
        elif not here.is_dir():
            break
    return found


def _tree(file: Path) -> ast.Module:
    """Return the syntax tree of a file; an empty one for what is none of Python."""
    try:
        return ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _renamed(statement: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the imports of a statement from elsewhere than genbench, whose own names are followed to their ends."""
    module = getattr(statement, "module", "") or ""
    if module.partition(".")[0] == "genbench":
        return []
    level = "." * getattr(statement, "level", 0)
    return [f"{level}{module}:{alias.name} as {alias.asname}" for alias in statement.names]


def _form(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return "\n".join(_renamed(statement)) or ast.dump(statement)
    return normal_form(statement, {}, (), {}, ())
