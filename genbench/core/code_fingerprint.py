"""Digests of source code: of a definition and of all that it uses from this project.

A trial's result is reused only while the code that made it is the same. What counts is the syntax trees of the
definitions (functions, classes, constants) that are reached from a plugin. Their place, the way they are imported,
other code in the same file, comments, docstrings, annotations, and checks that only raise do not count, because none of
these changes a number of a finished trial.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from genbench.core.kept_digests import KeptDigests
from genbench.core.public_names import HOME
from genbench.core.syntax import bound_names, called_alone, normal_form, only_raises, references

__all__ = ["CodeTree", "Definition", "code_state", "digest_of", "forget_digests", "installed", "kept_digest"]

# They find, name, check, show and report; no number of a trial depends on them.
PLUMBING = (
    "genbench.contracts.data_files",
    "genbench.core.code_fingerprint",
    "genbench.core.downloads",
    "genbench.core.errors",
    "genbench.core.files",
    "genbench.core.kept_digests",
    "genbench.core.libraries",
    "genbench.core.library_patches",
    "genbench.core.notebook_views",
    "genbench.core.parameters",
    "genbench.core.plugin_code",
    "genbench.core.plugin_loading",
    "genbench.core.process_state",
    "genbench.core.registry",
    "genbench.core.search_ranges",
    "genbench.core.selection",
    "genbench.core.user_files",
    "genbench.reading.arrays",
    "genbench.storage.keys",
    "genbench.storage.records",
    "genbench.tasks.execution",
    "genbench.tasks.previews",
    "genbench.training.logs",
)


@dataclass(frozen=True)
class Definition:
    """A name that is defined at the top level of a file."""

    file: Path
    name: str

    @classmethod
    def of(cls, part: Any, file: Path | None = None) -> Definition:
        """Return where a class or function is defined, or registered."""
        return cls(file or Path(inspect.getfile(part)), getattr(part, "__name__", ""))


class CodeTree:
    """The source code of one version of genbench.

    Args:
        locate: returns the file of a module from its dotted name, and None for a module of something else.
        home: the module that defines each public name of `genbench`.
        plumbing: modules whose code does not count.
        renamed: today's name for each name that this version writes differently.
    """

    def __init__(
        self,
        locate: Callable[[str], Path | None],
        home: Mapping[str, str] = HOME,
        plumbing: Iterable[str] = PLUMBING,
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self.locate, self.home, self.renamed = locate, home, dict(renamed or {})
        self._plumbing = {locate(module) for module in plumbing}
        self._files: dict[Path, _File] = {}
        self._used: dict[Definition, set[Definition]] = {}
        self._forms: dict[Definition, str] = {}

    def digest(self, definitions: Iterable[Definition]) -> str:
        """Return the digest of definitions, whatever their order."""
        forms = sorted(self._form(definition) for definition in definitions)
        return hashlib.sha256("\n".join(forms).encode()).hexdigest()[:12]

    def reached(self, *roots: Definition) -> set[Definition]:
        """Return definitions and all that they use by name, directly or indirectly.

        Arguments of functions are not followed: the code that made such an object names its class.
        """
        found: set[Definition] = set()
        todo = list(roots)
        while todo:
            definition = todo.pop()
            if definition not in found:
                found.add(definition)
                todo += self._uses(definition)
        return found

    def _uses(self, definition: Definition) -> set[Definition]:
        """Return the definitions that one refers to by name."""
        if definition not in self._used:
            file = self._read(definition.file)
            statements = file.statements(definition.name)
            checks = self._checks(definition)
            chains = [chain for statement in statements for chain in references(statement, checks)]
            found = (self._resolve(definition.file, name, attributes) for name, *attributes in chains)
            self._used[definition] = set().union(*found)
        return self._used[definition]

    def _resolve(self, file: Path, name: str, attributes: list[str]) -> set[Definition]:
        """Return what `name.attribute.…` stands for at the top level of a file, as far as it is of genbench."""
        here = self._read(file)
        found = {Definition(file, name)} if name in here.own else set()
        for module, attribute in here.imported.get(name, ()):
            found |= self._in_module(module, [attribute, *attributes] if attribute else attributes)
        return found

    def _in_module(self, module: str, attributes: list[str]) -> set[Definition]:
        if module == "genbench" and attributes:
            module = self.home.get(attributes[0], module)
        if attributes and self.locate(f"{module}.{attributes[0]}"):
            return self._in_module(f"{module}.{attributes[0]}", attributes[1:])
        file = self.locate(module)
        if file is None or file in self._plumbing or not attributes:
            return set()
        return self._resolve(file, attributes[0], attributes[1:])

    def _form(self, definition: Definition) -> str:
        """Return a definition in the form that is hashed."""
        if definition not in self._forms:
            file = self._read(definition.file)
            names = {local: self._plain(local, targets) for local, targets in file.imported.items()}
            drop = {local for local, targets in file.imported.items() if self._is_plumbing(targets)}
            statements = file.statements(definition.name)
            checks = self._checks(definition)
            forms = [normal_form(node, names, drop, self.renamed, checks) for node in statements]
            self._forms[definition] = "\n".join(forms)
        return self._forms[definition]

    def _checks(self, definition: Definition) -> set[str]:
        """Return the names in a definition of functions that do nothing but raise."""
        statements = self._read(definition.file).statements(definition.name)
        called = set().union(*map(called_alone, statements)) - {definition.name}
        return {name for name in called if any(map(self._is_check, self._resolve(definition.file, name, [])))}

    def _is_check(self, definition: Definition) -> bool:
        statements = self._read(definition.file).statements(definition.name)
        return all(only_raises(statement, self._checks(definition)) for statement in statements)

    def _plain(self, local: str, targets: Iterable[tuple[str, str]]) -> str | None:
        """Return the name by which something was defined that is imported as `local`; None for a module."""
        for module, attribute in targets:
            if module.partition(".")[0] != "genbench":
                return local
            if attribute and not self.locate(f"{module}.{attribute}"):
                return attribute
        return None

    def _is_plumbing(self, targets: Iterable[tuple[str, str]]) -> bool:
        return all(self.locate(module) in self._plumbing for module, _ in targets)

    def _read(self, file: Path) -> _File:
        if file not in self._files:
            self._files[file] = _File(file)
        return self._files[file]


class _File:
    """A parsed file: its own names at the top level, and where the others come from."""

    def __init__(self, file: Path) -> None:
        # what was typed into an interpreter is in no file: nothing to hash, nothing to find
        tree = ast.parse(file.read_text(encoding="utf-8") if file.is_file() else "")
        self.own: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            for name in bound_names(statement):
                self.own.setdefault(name, []).append(statement)
        self.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
        self.imported: dict[str, list[tuple[str, str]]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.imported.setdefault(alias.asname or target, []).append((target, ""))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self.imported.setdefault(alias.asname or alias.name, []).append((node.module, alias.name))

    def statements(self, name: str) -> list[ast.stmt]:
        """Return the statements that define a name; the whole file for what it does not define by that name."""
        return self.own.get(name, self.body)


@cache
def installed() -> CodeTree:
    """Return the code of the running genbench."""
    return CodeTree(_locate)


@cache
def digest_of(*roots: Definition) -> str:
    """Return the digest of definitions of the running code and of all that they use."""
    return kept_digest("all", roots, lambda: installed().digest(installed().reached(*roots)))


def kept_digest(what: str, roots: Iterable[Definition], compute: Callable[[], str]) -> str:
    """Return a digest of definitions, from the cache where it is there.

    The digest may depend on `what` it is, on the definitions, and on genbench's code. For definitions of genbench it is
    computed once for each state of the code, see `KeptDigests`; for others, at each call.
    """
    names = []
    for root in roots:
        folder = next((folder for folder in _folders() if root.file.is_relative_to(folder)), None)
        if folder is None:
            return compute()
        names.append(f"{folder.name}/{root.file.relative_to(folder).as_posix()}:{root.name}")
    return _kept().get(" ".join([what, *names]), compute)


def code_state() -> str:
    """Return a digest of the bytes of genbench's own code."""
    return _kept().code


def forget_digests() -> None:
    """Forget all digests and parsed files. Called when a file has changed."""
    for known in (digest_of, installed, _kept):
        known.cache_clear()


@cache
def _kept() -> KeptDigests:
    from platformdirs import user_cache_path

    return KeptDigests(user_cache_path("genbench") / "code-digests.json", _folders())


@cache
def _folders() -> tuple[Path, ...]:
    """Return the folders of genbench's code."""
    files = map(_locate, ("genbench.models", "genbench.datasets", "genbench"))
    return tuple(file.parent for file in files if file)


@cache
def _locate(name: str) -> Path | None:
    """Return the file of a genbench module, or None for what is no module (a function in one)."""
    if name.partition(".")[0] != "genbench":
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None
