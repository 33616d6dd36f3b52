"""Files of datasets: which dataset reads a file, and whether a file has changed.

A file is found from any folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from genbench.contracts.dataset import DATASETS, Dataset, DatasetCard
from genbench.core.errors import GenbenchError
from genbench.core.errors import shown as line_of
from genbench.core.files import expanded
from genbench.core.parameters import create
from genbench.core.selection import Params, Selection, parse, parse_list
from genbench.core.types import KINDS

__all__ = [
    "FOLDER",
    "DataSelection",
    "by_path",
    "file_name",
    "is_path",
    "labels_of",
    "located",
    "reopened",
    "select_datasets",
    "short_label",
]

FOLDER = "/"  # the ending of a folder
ENDING = re.compile(r".*\.[A-Za-z]\w{0,7}", re.DOTALL)  # of a file, as .csv and .parquet


@dataclass(frozen=True)
class DataSelection:
    """A dataset that the user asked for.

    Attributes:
        selection: its registered name, and the given parameters.
        title: its name in tables, if it was given by its path or as an array.
    """

    selection: Selection
    title: str | None = None

    def label(self, shown: Mapping[str, Any], folders: int = 0) -> str:
        """Return the name of the dataset in tables.

        Args:
            shown: the parameters that differ from the defaults.
            folders: how many of the folders above a file to name.
        """
        shown = dict(shown)
        if isinstance(path := shown.get("path"), str):
            short = "/".join(re.split(r"[/\\]", path.rstrip("/\\"))[-1 - folders :])
            if self.title is None:
                return str(Selection(self.selection.name, shown | {"path": short}))
            del shown["path"]
            if self.title == file_name(path):
                return str(Selection(short, shown))
        return str(Selection(self.title or self.selection.name, shown))


def select_datasets(text: str, kinds: Collection[str] = KINDS) -> list[DataSelection]:
    """Expand a selection of datasets: names, families, `all`, and paths of files and folders.

    A part is a path if it is not the name of a dataset, and if it has a separator, has the ending of a file, or exists.
    A family with a parameter `path`, as series[path=x.csv], means the dataset of that family that reads files.

    Args:
        kinds: the accepted kinds of data, if several datasets read a file.

    Raises:
        GenbenchError: a part cannot be read or names nothing, there is no such file, or no dataset reads it.
    """
    found: dict[str, DataSelection] = {}
    for item in parse_list(text):
        if item.name in DATASETS.cards:
            found[str(item)] = DataSelection(item)
            continue
        if reader := _reader_of_family(item):
            found[str(item)] = DataSelection(reader)
            continue
        try:
            found |= {str(one): DataSelection(one) for one in DATASETS.select(str(item))}
        except GenbenchError:
            if not is_path(item.name):
                raise
            found[str(item)] = by_path(item, kinds)
    return list(found.values())


def labels_of(chosen: Sequence[tuple[DataSelection, Mapping[str, Any]]]) -> list[str]:
    """Return the names of datasets in tables, each with the parameters to show.

    If two files have the same name, enough of their folders are shown that the labels differ.
    """
    paths = [shown.get("path") for _, shown in chosen]
    labels = []
    for (one, shown), path in zip(chosen, paths, strict=True):
        others = [other for other in paths if isinstance(path, str) and isinstance(other, str) and other != path]
        depth = len(Path(path or "").parts)
        apart = (k for k in range(depth) if all(_end(str(path), k) != _end(other, k) for other in others))
        labels.append(one.label(shown, next(apart, 0)))
    return labels


def _end(path: str, folders: int) -> tuple[str, ...]:
    return Path(path).parts[-1 - folders :]


def located(card: DatasetCard, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with an absolute `path`, if the dataset reads files."""
    path = params.get("path")
    if not isinstance(path, str) or not (card.reads or os.path.exists(expanded(path))):
        return dict(params)
    return dict(params) | {"path": os.path.abspath(expanded(path))}


def file_name(path: str) -> str:
    """Return the last part of a path of any operating system."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def short_label(text: str) -> str:
    """Return a selection in the form that tables use: of a path only the last part."""
    asked = parse(text)
    path = asked.params.get("path")
    params = {**asked.params, "path": file_name(path)} if isinstance(path, str) else asked.params
    return str(Selection(file_name(asked.name), params))


def reopened(label: str, name: str, params: Mapping[str, Any], fingerprint: str) -> Dataset:
    """Return the dataset of a trial, and check that its file has not changed.

    Args:
        label: its name in tables.
        name: its registered name.
        fingerprint: the fingerprint of its data when the trial was planned.

    Raises:
        GenbenchError: its file is gone or has changed, or a parameter is refused.
    """
    path = params.get("path")
    of_file = bool(fingerprint) and isinstance(path, str)
    if of_file and not os.path.exists(path or ""):
        raise GenbenchError(f"{label}: {path} no longer exists; put it back, or run again with its new path")
    if isinstance(path, str) and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise GenbenchError(f"{label}: {line_of(path)} is neither a file nor a folder; put the data back")
    dataset: Dataset = create(DATASETS[name], params)
    if of_file and dataset.fingerprint() != fingerprint:
        raise GenbenchError(f"{label}: {path} has changed since; put the old file back, or run again with the new one")
    return dataset


def _reader_of_family(item: Selection) -> Selection | None:
    """Return the dataset that reads files of a family that is given a path."""
    readers = [c for c in DATASETS.cards.values() if c.reads and c.family == item.name] if "path" in item.params else []
    return Selection(readers[0].name, item.params) if len(readers) == 1 else None


def is_path(name: str) -> bool:
    """Whether a name is the path of a file or folder, not the name of a dataset."""
    if name in DATASETS.cards:
        return False
    if "/" in name or "\\" in name or name.startswith(("~", ".")) or ENDING.fullmatch(name):
        return True
    return os.path.exists(name)


def by_path(item: Selection, kinds: Collection[str] = KINDS) -> DataSelection:
    """Return the dataset that reads the file or folder whose path is the name of a selection.

    Raises:
        GenbenchError: there is no such file, or no dataset or more than one dataset reads it.
    """
    if "path" in item.params:
        raise GenbenchError(f"'{line_of(str(item))}' gives two paths; write one")
    file = Path(os.path.abspath(expanded(item.name)))
    if not os.path.exists(file):
        raise _absent(item.name, file)
    cards = _readers(file)
    if not cards:
        endings = sorted(
            {ending for card in DATASETS.cards.values() for ending in card.reads if ending.count(".") == 1}
        )
        what = "folders" if os.path.isdir(file) else f"{line_of(file.suffix) or 'such'} files"
        raise GenbenchError(
            f"no dataset reads {what} such as '{line_of(item.name)}'; known are {', '.join(endings)} and folders"
        )
    asked = [card for card in cards if card.kind in kinds] or cards
    chosen = _recognised(asked, file)
    if len(chosen) > 1:
        names = " or ".join(f"{card.name}[path={file_name(str(file))}]" for card in chosen)
        raise GenbenchError(f"several datasets read '{line_of(item.name)}'; write {names}")
    card, title = chosen[0], file_name(str(file))
    texts = {"path": item.name, **getattr(item.params, "texts", {})}
    return DataSelection(Selection(card.name, Params({**item.params, "path": str(file)}, texts)), title)


def _readers(file: Path) -> list[DatasetCard]:
    """Return the datasets that read a file, by the longest ending that it has."""
    name = FOLDER if os.path.isdir(file) else file.name.lower()
    found = [(len(ending), card) for card in DATASETS.cards.values() for ending in card.reads if name.endswith(ending)]
    longest = max((length for length, _ in found), default=0)
    return [card for length, card in found if length == longest]


def _recognised(cards: list[DatasetCard], file: Path) -> list[DatasetCard]:
    """Return the datasets that recognise the file; if there are none, those that do not check."""
    if len(cards) < 2:
        return cards
    asking = [card for card in cards if hasattr(card.factory, "recognises")]
    knowing = [card for card in asking if card.factory.recognises(file)]
    return knowing or [card for card in cards if card not in asking] or cards


def _absent(name: str, file: Path) -> GenbenchError:
    name, folder = line_of(name, 200), line_of(str(file.parent), 500)
    if os.path.expanduser(name).startswith("~"):
        return GenbenchError(f"no file '{name}': there is no such home folder; write the path from / on")
    if not os.path.isdir(file.parent):
        return GenbenchError(f"no file '{name}': there is no folder {folder}; give the path of a file or folder")
    try:
        beside = os.listdir(file.parent)
    except OSError:  # a folder that may be entered and not listed
        beside = []
    close = get_close_matches(file.name, beside, n=2, cutoff=0.75)
    hint = (
        f"did you mean {line_of(' or '.join(close), 500)}?"
        if close
        else "give the path of a file or folder that is there"
    )
    return GenbenchError(f"no file '{name}' in {folder}; {hint}")
