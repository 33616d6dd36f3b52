"""Import of a plugin. What it changes for the whole process is restored and recorded."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from genbench.core.exception_text import message_of
from genbench.core.library_patches import LIBRARIES, Patch, applied, taken_back
from genbench.core.plugin_code import imported_files, imported_names
from genbench.core.process_state import put_back
from genbench.core.user_files import content_digest, is_of_user, opened_files

__all__ = ["LOADED", "Loaded", "importing", "in_use", "load_plugin", "reason"]


@dataclass(eq=False)
class Loaded:
    """An imported plugin, and what its import did.

    Attributes:
        source: its file, or the name of a module of an installed package.
        file: its file.
        code: digests of its file and of the user's files that it imports, by path.
        data: digests of the other files that its import opened, by path.
        modules: the user's modules that it loaded, by name.
        path: entries that it added to `sys.path`.
        patches: the names of libraries that it replaced.
        changed: other settings of the process that it changed, as text; they were restored.
    """

    source: str
    file: Path
    code: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def imported(self) -> list[Path]:
        """The user's files that the plugin imports, directly or indirectly."""
        return [Path(name) for name in self.code if Path(name) != self.file]

    @property
    def stale(self) -> bool:
        """Whether its code, or a file that its import read, has changed since the import."""
        return any(content_digest(Path(name)) != digest for name, digest in (self.code | self.data).items())

    def cautions(self) -> list[str]:
        """Return warnings for readers of the scores of trials with this plugin."""
        if not self.patches:
            return []
        names = ", ".join(sorted(map(str, self.patches))[:3]) + (" and more" if len(self.patches) > 3 else "")
        return [f"{self.file.name} replaces {names}: all numbers of this trial were computed with it"]

    def notes(self) -> list[str]:
        """Return notes for the author of the plugin."""
        if not self.changed:
            return []
        advice = "it was put back; a method that needs it must set it itself"
        return [f"{self.file.name} changed {', '.join(self.changed)} when it was imported; {advice}"]


LOADED: dict[str, Loaded] = {}  # by source
_importing: list[str] = []


def importing() -> str:
    """Return the source of the plugin that is being imported; "" if there is none."""
    return _importing[-1] if _importing else ""


def load_plugin(source: str) -> None:
    """Import a file, or a module of an installed package.

    What the import changes for the process is restored, even if it fails.

    A file that was imported before is imported again.

    Raises:
        BaseException: whatever the plugin raises.
    """
    if earlier := LOADED.pop(source, None):  # whoever imported its files, they are read anew
        for name, part in list(sys.modules.items()):
            if name in earlier.modules or str(_file_of(part)) in earlier.code:
                del sys.modules[name]
    is_file = source.endswith(".py")
    beside = imported_files(Path(source)) if is_file else []
    if is_file:
        _import_libraries([Path(source), *beside])
    environment, modules = dict(os.environ), dict(sys.modules)
    with in_use((), beside), taken_back() as patches, put_back() as changed, opened_files() as opened:
        path = list(sys.path)
        _importing.append(source)
        try:
            module = _load_file(Path(source)) if is_file else importlib.import_module(source)
        except BaseException:
            for name in _of_user(modules):
                del sys.modules[name]
            raise
        finally:
            _importing.pop()
            variables = {name for name in {*environment, *os.environ} if environment.get(name) != os.environ.get(name)}
        own = _of_user(modules, None if is_file else _package_of(module))
        added = [entry for entry in sys.path if entry not in path]
    file = _file_of(module) or Path(source)
    loaded = [at for part in own.values() if (at := _file_of(part)) and at != file]
    code = {str(each): content_digest(each) for each in (file, *imported_files(file, loaded))}
    text = "".join(Path(name).read_text(errors="replace") for name in code if name.endswith(".py"))
    # libraries set variables as well when they are imported; those are not of the plugin's doing
    changed += [f"the environment variable {name}" for name in sorted(variables) if name in text]
    data = {name: digest for name, digest in opened.read().items() if name not in code}
    LOADED[source] = Loaded(source, file, code, data, own, added, patches, changed)


@contextmanager
def in_use(sources: Iterable[str], shared: Iterable[Path] = ()) -> Iterator[None]:
    """Make available what the import of some plugins made, inside the block.

    That is their patches of libraries, their modules, and their folders on `sys.path`.

    What other plugins made is hidden inside the block, so that two files called `helper.py` do not mix.

    Args:
        sources: the sources of the plugins.
        shared: files whose modules stay available, whichever plugin loaded them.
    """
    chosen = [LOADED[source] for source in sources if source in LOADED]
    others = [loaded for loaded in LOADED.values() if loaded not in chosen]
    path, modules = list(sys.path), {name: part for each in LOADED.values() for name, part in each.modules.items()}
    foreign = {entry for each in others for entry in each.path} - {entry for each in chosen for entry in each.path}
    files = {*shared, *(Path(name) for each in chosen for name in each.code)}
    for name, part in ((name, part) for each in others for name, part in each.modules.items()):
        if _file_of(part) not in files:
            sys.modules.pop(name, None)
    for each in chosen:
        sys.modules.update(each.modules)
    sys.path[:] = [entry for entry in path if entry not in foreign]
    before = dict(sys.modules)
    with applied([patch for each in chosen for patch in each.patches]), _no_bytecode():
        try:
            yield
        finally:
            for each in chosen:
                each.modules |= _of_user(before)  # imported late, inside a function
            sys.modules.update(modules)
            sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """Store no compiled modules inside the block.

    Python takes a stored one for current if time, in whole seconds, and size of the source are the same.
    """
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def reason(error: BaseException, source: str) -> str:
    """Return why the import of a plugin failed: the error, and the line of its file."""
    file = source
    if not source.endswith(".py"):
        with suppress(ImportError, ValueError):
            file = getattr(importlib.util.find_spec(source), "origin", None) or source
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file and f.lineno]
    if isinstance(error, SyntaxError) and error.filename == file and error.lineno:
        lines.append(error.lineno)
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {message_of(error)}"


def _import_libraries(files: Iterable[Path]) -> None:
    """Import the libraries that files import at their top, so that what they change in them is seen."""
    tops = {name.partition(".")[0] for file in files for name in imported_names(file, everywhere=False)}
    for name in LIBRARIES:
        if name in tops:
            with suppress(ImportError):
                importlib.import_module(name)


def _load_file(file: Path) -> ModuleType:
    """Import a file under a name of its own, so that a plugin called `numpy.py` shadows nothing.

    Its folder is its package, so that it can import what lies beside it by `from .name import …`.
    """
    package = f"genbench_plugin_{zlib.crc32(str(file.parent).encode()):08x}"
    folder = ModuleType(package)
    folder.__path__ = [str(file.parent)]
    sys.modules.setdefault(package, folder)
    spec = importlib.util.spec_from_file_location(f"{package}.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _of_user(before: Mapping[str, ModuleType], package: Path | None = None) -> dict[str, ModuleType]:
    """Return the modules of the user's files that were loaded since then, and those of a package."""
    new = {name: part for name, part in list(sys.modules.items()) if before.get(name) is not part}
    files = {name: at for name, part in new.items() if (at := _file_of(part))}
    return {name: new[name] for name, at in files.items() if is_of_user(at) or (package and at.is_relative_to(package))}


def _package_of(module: ModuleType) -> Path | None:
    """Return the folder of the outermost package that a module is in, or the file of one that is in none."""
    root = _file_of(sys.modules[module.__name__.partition(".")[0]])
    return root.parent if root and root.name == "__init__.py" else root


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file else None
