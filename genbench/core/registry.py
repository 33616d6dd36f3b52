"""Discovery of plugins: models, datasets and metrics are found, not listed.

Three places are searched, in this order: the built-in packages, the entry points of installed packages (groups
`genbench.models`, `genbench.datasets`, `genbench.metrics`), and the files and folders that the user names. A plugin
registers itself with a decorator when it is imported. If a file that the user names cannot be imported, that is an
error at once. If a file of an installed package or of a folder cannot, its reason is kept, and the error is raised only
when that plugin is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from genbench.core.cards import Card, Suite
from genbench.core.code_fingerprint import forget_digests
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.files import expanded
from genbench.core.interrupts import must_stop
from genbench.core.libraries import library_of
from genbench.core.nearby_plugins import plugin_hint
from genbench.core.plugin_loading import LOADED, load_plugin, reason
from genbench.core.selection import Selection, parse, parse_list

__all__ = [
    "REGISTRY",
    "WHOLE",
    "Failure",
    "Group",
    "UnknownName",
    "discover",
    "failures",
    "installed_plugins",
    "named",
    "slug",
]

WHOLE = ("all", "zoo")  # selections of the whole group, without and with the variants

C = TypeVar("C", bound=Card)


class UnknownName(GenbenchError):
    """No plugin has the name that was asked for."""


class NameTaken(GenbenchError):
    """Two plugins have the same name."""


@dataclass(frozen=True)
class Failure:
    """A plugin whose import failed.

    `names` are those that it had registered; they were removed again.
    """

    source: str
    reason: str
    names: tuple[str, ...] = ()


class Group(Generic[C]):
    """The plugins of one group, such as models, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cards: dict[str, C] = {}
        self.suites: dict[str, Suite] = {}
        self.failures: list[Failure] = []
        self._executions: dict[str, str] = {}  # what was being executed when a name was registered

    @property
    def singular(self) -> str:
        return self.name[:-1]

    def add(self, card: C) -> None:
        """Register a card; used by the `register_…` decorators.

        A plugin that is typed again in a notebook, or whose file is imported again, replaces its older version.

        Raises:
            NameTaken: another plugin, in the same file or another one, has the name.
            GenbenchError: the name cannot be written on a command line.
        """
        if not card.name or set(card.name) & set("[]=, \t\n"):
            raise GenbenchError(
                f"{self.singular} name '{card.name}' has a space, comma, bracket or '='; choose another"
            )
        if card.name in WHOLE or card.name in self.suites:
            raise NameTaken(f"the {self.singular} name '{card.name}' stands for a whole group; choose another")
        if not card.built_in and REGISTRY.get(self.name) is self and self.name not in _searched:
            discover(groups=(self.name,), installed=False)  # so that nobody is before genbench itself
        execution = _execution(card)
        taken = self.cards.get(card.name)
        _ = card.plugin and card.file  # looked up now, while Python knows its module by that name
        twice = execution and self._executions.get(card.name) == execution
        if taken and (twice or not card.replaces(taken)):
            raise NameTaken(
                f"the {self.singular} name '{card.name}' of {card.place}, is taken by {taken.place}; choose another"
            )
        self._executions[card.name] = execution
        self.cards[card.name] = card
        if inspect.isclass(card.factory):
            card.factory.card = card  # type: ignore[attr-defined]

    def add_suite(self, suite: Suite) -> None:
        """Register a suite.

        Raises:
            NameTaken: a plugin or a family has the name.
        """
        if suite.name in self.cards or suite.name in WHOLE or suite.name in self.families:
            raise NameTaken(f"the name '{suite.name}' of a suite of {self.name} is taken; choose another")
        self.suites[suite.name] = suite

    def forget(self, source: str) -> None:
        """Forget what a plugin registered and how it failed. Called before its import."""
        self.failures = [failure for failure in self.failures if failure.source != source]
        self.cards = {name: card for name, card in self.cards.items() if card.plugin != source}
        self._executions = {name: one for name, one in self._executions.items() if one != source}

    def __getitem__(self, name: str) -> C:
        """Return the card of a name.

        Raises:
            GenbenchError: nothing has that name; the nearest names are in the message, and so is the reason why a
                plugin file with that name could not be imported.
        """
        if name not in self.cards and self.name in _postponed:
            _postponed.discard(self.name)
            _import_installed(self.name)
        if name in self.cards:
            return self.cards[name]
        for failure in self.failures:
            if name in (*failure.names, Path(failure.source).stem, failure.source.rpartition(".")[2]):
                raise GenbenchError(
                    f"{self.singular} '{name}' failed to import: {failure.reason}; fix {failure.source}"
                )
        raise UnknownName(
            f"no {self.singular} '{shown(name)}'{nearest(name, [*self.cards, *self.suites, *self.families])}"
        )

    def _refuse(self, name: str) -> None:
        """Raise the error of a name that the user typed and nothing has, with the plugin that may have it."""
        try:
            self[name]
        except UnknownName as error:
            if hint := plugin_hint(name, self.singular):
                raise UnknownName(f"no {self.singular} '{shown(name)}'; {hint}") from None
            own = "" if "did you mean" in str(error) else "; one of your own needs --plugin FILE"
            raise UnknownName(f"{error}{own}") from None

    @property
    def families(self) -> list[str]:
        """The families of this group, in the form used on the command line."""
        return sorted({slug(card.family) for card in self.cards.values()})

    def select(self, text: str) -> list[Selection]:
        """Expand a selection to plugins, without repeats, in the order asked for.

        A selection has names with parameters, families, suites, `all` and `zoo`.

        A family and `zoo` include the variants of a model; `all` does not. Plugins that need another library
        (`genbench.core.libraries`) are selected by their families, but not by `zoo` and `all`.

        Raises:
            GenbenchError: a part cannot be read, or names nothing.
        """
        chosen: dict[str, Selection] = {}
        for spec in parse_list(text):
            family = slug(spec.name)
            if spec.name in self.cards:
                specs = [spec]
            elif spec.name in WHOLE or spec.name in self.suites or family in self.families:
                if spec.params:
                    raise GenbenchError(
                        f"'{shown(str(spec))}' gives parameters to a whole group; give them to one {self.singular}"
                    )
                specs = (
                    [parse(part) for part in self.suites[spec.name].parts]
                    if spec.name in self.suites
                    else [
                        Selection(n)
                        for n, card in sorted(self.cards.items())
                        if slug(card.family) == family
                        or (spec.name in WHOLE and not library_of(card) and (spec.name == "zoo" or not card.variant))
                    ]
                )
            else:
                self._refuse(spec.name)
                specs = [spec]  # of an installed package, which was imported just now
            chosen |= {str(s): s for s in specs}
        return list(chosen.values())


# Each group has a typed name beside the card of its plugins: MODELS, DATASETS, METRICS in genbench.contracts.
REGISTRY: dict[str, Group[Any]] = {name: Group(name) for name in ("models", "datasets", "metrics")}
_named: dict[str, None] = {}  # plugins that the user named
_searched: set[str] = set()  # groups whose built-in plugins are imported
_postponed: set[str] = set()  # groups whose installed plugins are not


def discover(
    plugins: tuple[str, ...] = (), groups: tuple[str, ...] = tuple(REGISTRY), *, installed: bool = True
) -> None:
    """Import the built-in and installed plugins of `groups`, then those that are named.

    Each is imported once. A file that has changed since then is imported again.

    Args:
        plugins: files, folders of files, or modules that are entry points of installed packages.
        groups: some of "models", "datasets", "metrics". All of them where a plugin is named, as it may register any.
        installed: whether to import plugins of installed packages now. If not, they are imported when a name is asked
            for that no other plugin has.

    Raises:
        GenbenchError: a path in `plugins` does not exist, or a file fails to import. One of a folder, or of an
            installed package, that fails is recorded in its group's `failures` instead.
    """
    for name in REGISTRY if plugins else groups:
        if name not in _searched:
            _searched.add(name)
            _import_built_in(name, f"genbench.{name}")
            _postponed.add(name)
        if installed and name in _postponed:
            _postponed.discard(name)
            _import_installed(name)
    for plugin in plugins:
        path = expanded(plugin).resolve()
        if not path.exists() and plugin in installed_plugins():
            if plugin not in LOADED:
                _import(plugin, REGISTRY["models"], needed=True)
        elif not path.exists():
            raise GenbenchError(
                f"plugin '{plugin}' does not exist; give the path of a Python file or of a folder, "
                "and repeat --plugin for several"
            )
        for file in sorted(path.glob("[!_]*.py")) if path.is_dir() else [path] if path.exists() else []:
            source = str(file)
            if source not in LOADED or LOADED[source].stale:
                _import(source, REGISTRY["models"], needed=file == path)
        _named[str(path) if path.exists() else plugin] = None


def named() -> tuple[str, ...]:
    """Return the plugins that were named in this process, so that another can load them."""
    return tuple(_named)


def failures(plugins: tuple[str, ...] = ()) -> list[Failure]:
    """Return the failures of built-in and installed plugins, and of `plugins`.

    Failures of plugins that were named earlier are left out.
    """
    asked = [expanded(plugin).resolve() for plugin in plugins]
    every = [failure for group in REGISTRY.values() for failure in group.failures]
    own = [failure for failure in every if failure.source.endswith(".py")]
    return [f for f in every if f not in own or any(path in (Path(f.source), Path(f.source).parent) for path in asked)]


def installed_plugins() -> list[str]:
    """Return the modules of installed packages that are named as plugins."""
    return [module for name in REGISTRY for module in _installed(name)]


def _import_built_in(name: str, module: str) -> None:
    """Import a module, and all that a package has."""
    try:
        imported = importlib.import_module(module)
    except Exception as error:  # such as a library that is not installed
        REGISTRY[name].failures.append(Failure(module, reason(error, module)))
        return
    for part in pkgutil.iter_modules(getattr(imported, "__path__", ())):
        _import_built_in(name, f"{module}.{part.name}")


def _import_installed(name: str) -> None:
    """Import the plugins of installed packages of one group."""
    for module in _installed(name):
        if module not in LOADED:
            _import(module, REGISTRY[name], needed=False)


def _installed(name: str) -> list[str]:
    """Return the modules that installed packages name as entry points of a group, or in which these are attributes."""
    return _declared(f"genbench.{name}", tuple(sys.path))


@cache
def _declared(group: str, _: tuple[str, ...]) -> list[str]:
    """Return the modules of a group of entry points on a path; to read the files of all packages takes 20 ms."""
    return [point.value.partition(":")[0].strip() for point in entry_points(group=group)]


def _import(source: str, group: Group[Any], needed: bool) -> None:
    """Import one plugin; one that fails leaves nothing registered.

    Args:
        group: where a failure is recorded.
        needed: whether that is an error.
    """
    before = {name: dict(each.cards) for name, each in REGISTRY.items()}
    for each in REGISTRY.values():
        each.forget(source)
    if source in LOADED:
        forget_digests()
    try:
        load_plugin(source)
    except BaseException as error:  # a plugin may raise anything, SystemExit included
        names = []
        for name, each in REGISTRY.items():
            names += [card.name for card in each.cards.values() if card.plugin == source]
            each.cards.clear()
            each.cards.update(before[name])
        if must_stop(error):
            raise
        taken = isinstance(error, NameTaken)
        how = f"was loaded in part ({', '.join(names)}) and failed" if names else "failed to import"
        text = str(error) if taken else f"plugin {source} {how}: {reason(error, source)}"
        if needed or (taken and source.endswith(".py")):
            raise GenbenchError(text if taken else f"{text}; fix it, or leave it out") from None
        group.failures.append(Failure(source, reason(error, source), tuple(names)))


def _execution(card: Card) -> str:
    """Return what is being executed while something is registered; "" where it may be executed again, as a cell may."""
    module = str(card.factory.__module__)
    if card.plugin:
        return card.plugin
    if module == "__main__":
        ipython = sys.modules.get("IPython")
        typed = hasattr(sys, "ps1") or sys.flags.interactive or (ipython and ipython.get_ipython() is not None)
        return "" if typed else module
    # of a module that is imported for the first time, and not reloaded
    return module if getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False) else ""


def slug(family: str) -> str:
    """Return the name of a family in the form used on the command line."""
    return family.lower().replace(" ", "-").replace("_", "-")
