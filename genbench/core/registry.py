"""Finding plugins: models, datasets and metrics are found, never listed.

Three places are searched, in this order: the built-in packages, the entry points of installed packages (groups
`genbench.models`, `genbench.datasets`, `genbench.metrics`), and the files and folders that the user names. A plugin
registers itself with a decorator when it is imported; one that fails to import is kept with its reason and takes no
other down.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from genbench.core.errors import GenbenchError, nearest
from genbench.core.selection import Selection, parse_list

__all__ = ["REGISTRY", "WHOLE", "Card", "Failure", "Group", "discover"]

WHOLE = ("all", "zoo")  # selections of the whole group, without and with the variants

C = TypeVar("C", bound="Card")


@dataclass(frozen=True)
class Card:
    """What the registry knows about a plugin: its name, its family and the class or function it stands for."""

    name: str
    family: str
    factory: Any
    variant = False

    @cached_property
    def file(self) -> Path:
        """The source file that registered it; a name that is no file for what was typed into an interpreter."""
        try:
            return Path(inspect.getsourcefile(self.factory) or "interactive")
        except (TypeError, OSError):
            return Path("interactive")

    @property
    def portable(self) -> bool:
        """Whether another process can import it."""
        return str(self.factory.__module__) != "__main__"

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    @property
    def signature(self) -> Mapping[str, inspect.Parameter]:
        """The parameters that its factory takes."""
        return inspect.signature(self.factory).parameters


@dataclass(frozen=True)
class Failure:
    """A plugin that could not be imported."""

    source: str
    reason: str


class Group(Generic[C]):
    """The plugins of one group, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cards: dict[str, C] = {}
        self.failures: list[Failure] = []

    @property
    def singular(self) -> str:
        return self.name[:-1]

    def add(self, card: C) -> None:
        """Register a card; used by the `register_…` decorators.

        Raises:
            GenbenchError: the name is taken by another file, or cannot be written on a command line.
        """
        if not card.name or set(card.name) & set("[]=, \t\n"):
            raise GenbenchError(
                f"{self.singular} name '{card.name}' has a space, comma, bracket or '='; choose another"
            )
        taken = self.cards.get(card.name)
        if card.name in WHOLE or (taken and taken.file != card.file):
            where = f"by {taken.file}" if taken else "for the whole group"
            raise GenbenchError(f"the {self.singular} name '{card.name}' is taken {where}; choose another")
        self.cards[card.name] = card
        if inspect.isclass(card.factory):
            card.factory.card = card  # type: ignore[attr-defined]

    def __getitem__(self, name: str) -> C:
        """Return the card of a name.

        Raises:
            GenbenchError: nothing has that name; the nearest names are in the message, and so is the reason why a
                plugin file with that name could not be imported.
        """
        if name in self.cards:
            return self.cards[name]
        broken = [f for f in self.failures if Path(f.source).stem == name or f.source.endswith(f".{name}")]
        if broken:
            raise GenbenchError(
                f"{self.singular} '{name}' failed to import: {broken[0].reason}; fix {broken[0].source}"
            )
        raise GenbenchError(f"no {self.singular} '{name}'{nearest(name, [*self.cards, *self.families])}")

    @property
    def families(self) -> list[str]:
        """The families, as written on the command line."""
        return sorted({_slug(card.family) for card in self.cards.values()})

    def select(self, text: str) -> list[Selection]:
        """Expand a selection: names with parameters, families, `all`, `zoo`, without repeats, in the order asked.

        A family and `zoo` include the variants of a model, `all` does not.

        Raises:
            GenbenchError: a part cannot be read, or names nothing.
        """
        chosen: dict[str, Selection] = {}
        for spec in parse_list(text):
            family = _slug(spec.name)
            if spec.name in self.cards:
                specs = [spec]
            elif spec.name in WHOLE or family in self.families:
                if spec.params:
                    raise GenbenchError(f"'{spec}' gives parameters to a whole group; give them to one {self.singular}")
                specs = [
                    Selection(n)
                    for n, card in sorted(self.cards.items())
                    if _slug(card.family) == family or spec.name == "zoo" or (spec.name == "all" and not card.variant)
                ]
            else:
                self[spec.name]
            chosen |= {str(s): s for s in specs}
        return list(chosen.values())


# Each group has a typed name beside the card of its plugins: MODELS, DATASETS, METRICS in genbench.contracts.
REGISTRY: dict[str, Group[Any]] = {name: Group(name) for name in ("models", "datasets", "metrics")}
_discovered: set[str] = set()


def discover(plugins: tuple[str, ...] = (), groups: tuple[str, ...] = tuple(REGISTRY)) -> None:
    """Import the built-in and the installed plugins of `groups`, then the files and folders in `plugins`; each once.

    Raises:
        GenbenchError: a path in `plugins` does not exist. A plugin that fails to import is recorded in its group's
            `failures` instead.
    """
    for name in groups:
        if name not in _discovered:
            _discovered.add(name)
            package = importlib.import_module(f"genbench.{name}")
            for module in pkgutil.iter_modules(package.__path__):
                _attempt(REGISTRY[name], f"genbench.{name}.{module.name}", importlib.import_module)
            for point in entry_points(group=f"genbench.{name}"):
                _attempt(REGISTRY[name], point.value, _load_entry)
    for plugin in plugins:
        path = Path(plugin).expanduser().resolve()
        if not path.exists():
            raise GenbenchError(
                f"plugin '{plugin}' does not exist; give the path of a Python file or of a folder of them"
            )
        files = sorted(path.glob("[!_]*.py")) if path.is_dir() else [path]
        for file in files:
            if str(file) not in _discovered:
                _discovered.add(str(file))
                for group in REGISTRY.values():
                    group.failures = [f for f in group.failures if f.source != str(file)]
                _attempt(REGISTRY["models"], str(file), _load_file)


def _attempt(group: Group[Any], source: str, load: Callable[[str], ModuleType]) -> None:
    """Import one plugin; on failure record the reason and continue."""
    try:
        load(source)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, SystemExit included
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        group.failures.append(Failure(source, reason))


def _load_entry(source: str) -> ModuleType:
    """Import what an entry point names: a module, or an attribute of one."""
    return importlib.import_module(source.partition(":")[0].strip())


def _load_file(source: str) -> ModuleType:
    """Import a file under a name of its own, so that a plugin called `numpy.py` shadows nothing."""
    name = f"genbench_plugin_{Path(source).stem}_{zlib.crc32(source.encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, source)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _slug(family: str) -> str:
    return family.lower().replace(" ", "-").replace("_", "-")
