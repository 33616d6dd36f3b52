"""The checks of a plugin, for a model, a dataset or a metric, and their verdicts.

`genbench check` prints them; in a test file they are parametrised tests:

    from genbench.testing.contract import parametrize_with_checks

    @parametrize_with_checks("my_model.py")
    def test_contract(check):
        check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genbench.contracts.metric import MetricCard
from genbench.contracts.model import ModelCard
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.files import expanded
from genbench.core.libraries import library_of, require_library
from genbench.core.nearby_plugins import plugin_hint
from genbench.core.parameters import bind, create
from genbench.core.registry import REGISTRY, discover
from genbench.core.selection import parse_list
from genbench.testing.check import Check, DoesNotApply, Verdict
from genbench.testing.dataset_contract import DATASET_CONTRACT, require_files
from genbench.testing.device_audit import runs_on_any_device
from genbench.testing.metric_contract import METRIC_CONTRACT
from genbench.testing.model_contract import CONTRACT
from genbench.testing.training_run import Run, trained_checks

__all__ = ["CheckOptions", "Item", "Plugin", "items", "parametrize_with_checks", "plugins_of"]


@dataclass(frozen=True)
class CheckOptions:
    """The options of checks.

    Attributes:
        fast: whether to leave out checks that train for seconds.
        device: the device of torch models.
        budget: the budget of the training runs, as for `genbench run`.
        seed: the seed of the data, the training runs and the draws.
    """

    fast: bool = False
    device: str = "cpu"
    budget: str = "quick"
    seed: int = 0


@dataclass(frozen=True)
class Plugin:
    """A plugin to check: a model, dataset or metric, with the parameters asked for."""

    card: Card
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """The group of the plugin: "model", "dataset" or "metric"."""
        if isinstance(self.card, ModelCard):
            return "model"
        return "metric" if isinstance(self.card, MetricCard) else "dataset"


@dataclass(frozen=True)
class Item:
    """A check of a plugin that has not run yet.

    Attributes:
        check, plugin: what is checked, and by what.
        arguments, more: arguments of the check.
        crashes: exceptions of the plugin that its checks met so far, and the first check that met each. It is shared by
            all checks of the plugin, so that each exception is reported once.
    """

    check: Check
    plugin: Plugin
    arguments: Callable[[], tuple[Any, ...]]
    more: Mapping[str, Any] = field(default_factory=dict)
    crashes: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name of the test: plugin and check."""
        return f"{self.plugin.card.name}-{self.check.name}"

    def verdict(self) -> Verdict:
        """Run the check and return its verdict.

        The verdict on an exception that another check has met before is that the check is not reached.
        """
        found = self.check.verdict(self.plugin.card, self.plugin.group, self.arguments, self.more)
        first = self.crashes.setdefault(found.crash, found.check) if found.crash else found.check
        if first == found.check:
            return found
        return replace(found, status="unreached", found=f"not reached: the exception of {first}", meaning="", line="")

    def __call__(self) -> None:
        """Do the check as a test: skip it where it does not apply.

        Raises:
            AssertionError: it fails; the text has what was expected, what was found, and the line.
        """
        verdict = self.verdict()
        if verdict.status in ("skipped", "unreached"):
            import pytest

            pytest.skip(verdict.found)
        if verdict.status == "failed":
            raise AssertionError(str(verdict))


def items(plugin: Plugin, options: CheckOptions = CheckOptions()) -> Iterator[Item]:
    """Yield the checks of a plugin, the fast ones first."""
    card, seed = plugin.card, {"seed": options.seed}
    crashes: dict[str, str] = {}
    if isinstance(card, ModelCard):
        given: dict[str, Any] = {"device": options.device, **seed}
        for each in CONTRACT:
            of_check = {"quick": True} if options.fast and each is runs_on_any_device else {}
            yield Item(each, plugin, _with_library(card, lambda: (card, plugin.params)), given | of_check, crashes)
        budget = None if options.fast else options.budget
        for run, each, more in trained_checks(card, plugin.params, options.device, budget, options.seed):
            yield Item(each, plugin, _with_library(card, _exam(each, run)), more, crashes)
    elif isinstance(card, MetricCard):
        yield from (Item(each, plugin, lambda: (card,), seed, crashes) for each in METRIC_CONTRACT)
    else:
        dataset = create(card, bind(card, plugin.params))
        require_files(dataset)
        yield from (Item(each, plugin, lambda: (dataset,), seed, crashes) for each in DATASET_CONTRACT)


def _with_library(card: Card, arguments: Callable[[], tuple[Any, ...]]) -> Callable[[], tuple[Any, ...]]:
    """Return what gives the arguments of a check, which does not apply to a model whose library is missing."""
    library = library_of(card)

    def given() -> tuple[Any, ...]:
        if library and not library.installed:
            raise DoesNotApply(f"it {library.need}")
        return arguments()

    return given


def _exam(check: Check, run: Run) -> Callable[[], tuple[Any, ...]]:
    return lambda: (run,) if check.name == "trains" else (run.trained(),)


def plugins_of(target: str) -> list[Plugin]:
    """Return the plugins that a target names.

    A target is a file or folder of plugins, or names with parameters, families, "all".

    Names are looked for among models, datasets and metrics.

    Raises:
        GenbenchError: there is no such file or name, the file registers nothing, a parameter is refused, or the library
            of a named plugin is missing.
    """
    path = expanded(target)
    if path.exists() or target.endswith(".py"):
        discover((target,))
        here = path.resolve()
        cards = [card for group in REGISTRY.values() for card in group.cards.values() if _is_from(card, here)]
        if not cards:
            raise GenbenchError(f"{target} registers no model, dataset or metric; see README, Add a model")
        return [Plugin(card) for card in cards]
    discover()
    found: list[Plugin] = []
    for selection in parse_list(target):
        groups = [group for group in REGISTRY.values() if selection.name in group.cards]
        for group in groups:
            card = group.cards[selection.name]
            require_library(card)
            if not isinstance(card, MetricCard):
                bind(card, selection.params)
            elif selection.params:
                raise GenbenchError(f"metric '{selection.name}' has no parameters; leave the brackets out")
            found.append(Plugin(card, selection.params))
        if not groups:
            found += _of_whole_group(str(selection), selection.name)
    return found


def _is_from(card: Card, here: Any) -> bool:
    from pathlib import Path

    return bool(card.plugin) and (Path(card.plugin) == here or Path(card.plugin).parent == here)


def _of_whole_group(text: str, name: str) -> list[Plugin]:
    """Return the plugins of a family, a suite, or "all": of the first group that knows it."""
    known = [name for group in REGISTRY.values() for name in (*group.cards, *group.suites, *group.families)]
    for group in REGISTRY.values():
        try:
            return [Plugin(group.cards[one.name], one.params) for one in group.select(text)]
        except GenbenchError:
            continue
    hints = (plugin_hint(name, group.singular) for group in REGISTRY.values())
    hint = next((f"; {one}" for one in hints if one), "") or nearest(name, known)
    raise GenbenchError(f"no model, dataset, metric or file '{shown(name)}'{hint}")


def parametrize_with_checks(*targets: str, **options: Any) -> Any:
    """Return a decorator that makes a pytest test of each check of some plugins.

    An example is in the module's docstring.

    Args:
        targets: files, folders or names, as for `genbench check`.
        options: fields of `CheckOptions`, such as fast=True.

    Raises:
        GenbenchError: a target names no plugin.
    """
    import pytest

    every: Sequence[Item] = [
        item for target in targets for plugin in plugins_of(target) for item in items(plugin, CheckOptions(**options))
    ]
    return pytest.mark.parametrize("check", every, ids=[item.name for item in every])
