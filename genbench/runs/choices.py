"""Which models and datasets a request stands for, with their parameters and their labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from genbench.contracts.data_files import DataSelection, located, select_datasets
from genbench.contracts.dataset import DATASETS, Dataset, DatasetCard
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind, create, defaults
from genbench.core.registry import Card, Group
from genbench.core.selection import Selection

__all__ = ["Choice", "ChosenData", "choose", "choose_datasets"]

C = TypeVar("C", bound=Card)


@dataclass(frozen=True)
class Choice(Generic[C]):
    """A plugin that was asked for, under its label, with the parameters that were given."""

    card: C
    label: str
    given: Mapping[str, Any]

    def params(self, data: Dataset | None = None) -> dict[str, Any]:
        """Return all parameters; for some data, the model's presets fill in what was not given."""
        return bind(self.card, self.given, (data.kind, data.shape) if data else None)


@dataclass(frozen=True)
class ChosenData(Choice[DatasetCard]):
    """A dataset that was asked for, created; `note` says how its files were understood."""

    data: Dataset
    note: str = ""


def choose(group: Group[C], text: str) -> list[Choice[C]]:
    """Bind the parameters of a selection, and try each constructor, so that a wrong value is known before a run."""
    choices = {}
    for selection in group.select(text):
        card = group[selection.name]
        params = bind(card, selection.params)
        create(card, params)
        label = str(Selection(card.name, _shown(card, selection, params)))
        choices[label] = Choice(card, label, {name: params[name] for name in selection.params})
    return list(choices.values())


def choose_datasets(asked: str | Sequence[DataSelection], kinds: Collection[str]) -> list[ChosenData]:
    """Bind the parameters of datasets and create them. Two files of one name have their folders in their labels.

    Args:
        kinds: of data that are asked for, where several datasets read a file.

    Raises:
        GenbenchError: a name, a path or a parameter is wrong, a file cannot be read, or two data sets have one name.
    """
    selections = select_datasets(asked, kinds) if isinstance(asked, str) else asked
    cards = [DATASETS[chosen.selection.name] for chosen in selections]
    bound = [located(card, bind(card, one.selection.params)) for card, one in zip(cards, selections, strict=True)]
    choices: dict[str, ChosenData] = {}
    for one, card, params in zip(selections, cards, bound, strict=True):
        shown = _shown(card, one.selection, params)
        same = [
            other["path"]
            for other, theirs in zip(bound, selections, strict=True)
            if "path" in params
            and "path" in other
            and one.label(shown) == theirs.label({**shown, "path": other["path"]})
        ]
        label = one.label(shown, _folders(params.get("path"), same))
        given = {name: params[name] for name in one.selection.params}
        if label in choices and choices[label].given != given:
            raise GenbenchError(f"two data sets are called {label}; give one of them another name")
        if label not in choices:
            data: Dataset = create(card, params)
            words = "; ".join(filter(None, (getattr(data, "understood", ""), one.note)))
            choices[label] = ChosenData(card, label, given, data, f"{label}: {words}" if words else "")
    return list(choices.values())


def _shown(card: Card, selection: Selection, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters that a label shows: those that differ from the defaults, and those of presets."""
    usual = defaults(card)
    preset = {name for p in getattr(card.factory, "presets", ()) for name in p.use}
    return {name: params[name] for name in selection.params if params[name] != usual[name] or name in preset}


def _folders(path: str | None, others: Collection[str]) -> int:
    """Return how many folders around a file tell it from others of the same name."""
    if path is None:
        return 0
    parts = Path(path).parts
    rivals = [Path(other).parts for other in others if other != path]
    return next((k for k in range(len(parts)) if all(parts[-1 - k :] != other[-1 - k :] for other in rivals)), 0)
