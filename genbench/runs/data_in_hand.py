"""The datasets of a run in Python: names, paths, datasets, arrays, and lists of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts.data_files import DataSelection, by_path, select_datasets
from genbench.contracts.dataset import DATASETS, Dataset
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind, create
from genbench.core.registry import WHOLE
from genbench.core.selection import Selection
from genbench.reading.arrays import is_array
from genbench.reading.in_hand import FEWEST, Held, hold
from genbench.storage.store import DATA

__all__ = ["AskedData"]

MISSING = object()


@dataclass(frozen=True)
class AskedData:
    """The datasets of a request, in order: selections as text, datasets, and data in memory."""

    items: tuple[str | DataSelection | Held, ...]

    @classmethod
    def of(cls, asked: Any, series: bool = False) -> AskedData:
        """Return the datasets of a request.

        Data without a name are called data1, data2 and so on.

        Args:
            asked: a selection, an array, a data frame, a tensor, (x, labels), {name: data}, a dataset, or a list of
                any of these.
            series: whether one column is a series in time.

        Raises:
            GenbenchError: data in memory are not finite numbers or too few, or the argument has none of these types.
        """
        items: list[str | DataSelection | Held] = []
        unnamed = 0
        for item in _listed(asked):
            if isinstance(item, str):
                items.append(item)
            elif isinstance(item, Dataset):
                items.append(_selected(item))
            elif isinstance(item, Mapping):
                items += [hold(data, _name(name, data), series) for name, data in item.items()]
            else:
                unnamed += 1
                items.append(hold(item, f"data{unnamed}", series))
        names = [item.name for item in items if isinstance(item, Held)]
        if twice := {name for name in names if names.count(name) > 1}:
            raise GenbenchError(f"two data sets are called '{min(twice)}'; give each a name: {{'mine': x, 'other': z}}")
        return cls(tuple(items))

    @property
    def text(self) -> str:
        """The request as text, from which the name of the run is made."""
        return ",".join(item if isinstance(item, str) else _words(item) for item in self.items)

    def texts(self, folder: Path) -> list[str]:
        """Return the text of each dataset in a command.

        For data in memory, it is the path of the file in the run's folder.
        """
        return [
            item if isinstance(item, str) else str(item.file(folder / DATA)) if isinstance(item, Held) else _words(item)
            for item in self.items
        ]

    @contextmanager
    def kept(self, folder: Path, kinds: Collection[str]) -> Iterator[str | list[DataSelection]]:
        """Write data in memory into a run's folder, and yield the selections.

        If the block fails, the files are deleted.

        Raises:
            GenbenchError: a name is that of a dataset, or the folder cannot be written.
        """
        if all(isinstance(item, str) for item in self.items):
            yield self.text
            return
        for held in (item for item in self.items if isinstance(item, Held)):
            _check_name(held.name)
        parts = (folder / DATA, folder, folder.parent)
        before, there = [part for part in parts if part.exists()], set((folder / DATA).glob("*"))
        try:
            yield [found for item in self.items for found in _selections(item, folder / DATA, kinds)]
        except GenbenchError:
            for file in set((folder / DATA).glob("*")) - there:
                file.unlink()
            for part in parts:
                if part not in before and part.exists() and not any(part.iterdir()):
                    part.rmdir()
            raise


def _selections(item: str | DataSelection | Held, folder: Path, kinds: Collection[str]) -> list[DataSelection]:
    if isinstance(item, str):
        return select_datasets(item, kinds)
    if isinstance(item, DataSelection):
        return [item]
    try:
        file = item.write(folder.absolute())
    except OSError as error:
        reason = error.strerror or error
        raise GenbenchError(f"cannot write {item.name} to {folder}: {reason}; choose another results folder") from None
    return [replace(by_path(Selection(str(file))), title=item.name)]


def _words(item: DataSelection | Held) -> str:
    return item.name if isinstance(item, Held) else item.label(item.selection.params)


def _listed(asked: Any) -> list[Any]:
    """Return the single datasets of a request."""
    if isinstance(asked, str | Dataset | Mapping) or is_array(asked) or _is_pair(asked):
        return [asked]
    if not isinstance(asked, Sequence) or isinstance(asked, bytes):
        raise GenbenchError(
            f"datasets cannot be {type(asked).__name__}; give a name, an array, {{name: array}}, or a list"
        )
    if not asked:
        raise GenbenchError("datasets is an empty list; give at least one")
    numbers = _is_row(asked[0]) and not np.ndim(asked[0])
    rows = numbers or (all(map(_is_row, asked)) and not _are_series(asked))
    return [asked] if rows else list(asked)


def _is_pair(asked: Any) -> bool:
    """Whether something is (x, labels)."""
    if not isinstance(asked, tuple) or len(asked) != 2:
        return False
    return all(
        is_array(part) or (isinstance(part, list) and part and not isinstance(part[0], Dataset)) for part in asked
    )


def _is_row(part: Any) -> bool:
    """Whether the first part of a list is a number or a row of numbers, so that the list is one set of data."""
    if isinstance(part, str | Dataset | Mapping):
        return False
    if is_array(part):
        return np.ndim(part) < 2 and not hasattr(part, "index")  # a column of a data frame is data of its own
    if isinstance(part, list | tuple):
        return bool(part) and not isinstance(part[0], list | tuple | str | Dataset) and not np.ndim(part[0])
    return part is None or isinstance(part, int | float | complex)


def _are_series(asked: Sequence[Any]) -> bool:
    """Whether a list holds a few long rows, which are no table but data of their own."""
    return len(asked) < FEWEST and all(np.ndim(part) == 1 and len(part) >= FEWEST for part in asked)


def _name(name: Any, data: Any) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise GenbenchError(f"{name!r} cannot be a name of data; give text of one line: {{'mine': x}}")
    if isinstance(data, str | Dataset | Mapping):
        raise GenbenchError(
            f"'{name}' is the name of {type(data).__name__}, not of data; give a dataset without a name, in a list"
        )
    return name.strip()


def _check_name(name: str) -> None:
    family = name.lower().replace(" ", "-").replace("_", "-")
    if name in DATASETS.cards or name in WHOLE or family in DATASETS.families:
        what = "a dataset" if name in DATASETS.cards else "several datasets"
        raise GenbenchError(f"'{name}' is the name of {what} of genbench; give your data another name")


def _selected(dataset: Dataset) -> DataSelection:
    """Return the selection that a dataset is made from.

    Raises:
        GenbenchError: it is not registered, or is not what its parameters say.
    """
    card = getattr(dataset, "card", None)
    if card is None or card.factory is not type(dataset):
        raise GenbenchError(f"{type(dataset).__name__} is not registered; decorate it with @genbench.register_dataset")
    chosen: Selection | None = getattr(dataset, "selection", None)
    given = chosen.params if chosen else _by_attributes(dataset)
    try:
        twin = create(card, bind(card, given))
        changed = [name for name in card.signature if _differ(getattr(twin, name, None), getattr(dataset, name, None))]
    except GenbenchError:
        changed = list(card.signature)
    if changed:
        remedy = f"load it with load_dataset('{card.name}', …)"
        raise GenbenchError(f"'{changed[0]}' of this {card.name} is not what it was created with; {remedy}")
    return DataSelection(Selection(card.name, given))


def _by_attributes(dataset: Dataset) -> dict[str, Any]:
    """Return the parameters of a dataset by the attributes that its constructor stores; without the usual ones."""
    card = dataset.card
    usual = all(parameter.default is not parameter.empty for parameter in card.signature.values())
    plain = create(card, bind(card, {})) if usual else None
    found = {name: getattr(dataset, name, MISSING) for name in card.signature}
    return {name: value for name, value in found.items() if _differ(getattr(plain, name, MISSING), value)}


def _differ(one: Any, other: Any) -> bool:
    """Whether two attributes differ, as far as they are plain values."""
    plain = (str, int, float, list, tuple, dict, type(None))
    return (one is MISSING) != (other is MISSING) or (
        isinstance(one, plain) and isinstance(other, plain) and one != other
    )
