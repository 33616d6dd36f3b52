"""The meaning of `[tuned]`: the parameters that `genbench tune` found for a model.

They are looked up when trials are planned: a trial's spec has the parameters themselves, and where they come from.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, shown
from genbench.core.files import expanded, from_here
from genbench.core.parameters import defaults
from genbench.core.selection import TUNED, Params, Selection
from genbench.storage.json_records import content_of, parsed
from genbench.storage.records import TrialSpec
from genbench.storage.store import CorruptFile, Store
from genbench.storage.studies import LARGEST, STUDY, TUNE, Study, Tuned
from genbench.storage.summaries import Summaries

__all__ = [
    "Lookup",
    "Request",
    "as_recorded",
    "asks_for_tuned",
    "none_known",
    "notes_of",
    "of_studies",
    "plain",
    "read_study",
    "without",
]


@dataclass(frozen=True)
class Request:
    """A request for tuned parameters: a model, and the data and budget of the run.

    A study is selected by data and budget.
    """

    model: str
    data: tuple[str, ...]
    budget: str


Lookup = Callable[[Request], Tuned]


def asks_for_tuned(card: Card, selection: Selection) -> bool:
    """Whether a selection has the word `tuned`, and the model has no such parameter."""
    return selection.params.get(TUNED) is True and TUNED not in defaults(card)


def without(tuned: Tuned, selection: Selection) -> Tuned:
    """Return the tuned parameters without those that were typed besides the word."""
    return tuned.model_copy(update={"params": {k: v for k, v in tuned.params.items() if k not in selection.params}})


def plain(selection: Selection, tuned: Tuned) -> Selection:
    """Return a selection with tuned parameters instead of the word, besides the typed ones."""
    typed = {name: value for name, value in selection.params.items() if name != TUNED}
    texts = {name: text for name, text in getattr(selection.params, "texts", {}).items() if name in typed}
    return Selection(selection.name, Params(tuned.params | typed, texts))


def as_recorded(spec: TrialSpec) -> Lookup:
    """Return the lookup for repeating a trial: its own parameters."""

    def find(asked: Request) -> Tuned:
        if spec.tuned is None:
            raise GenbenchError(f"{spec.model} does not say how it was tuned; run it anew")
        return spec.tuned

    return find


def of_studies(named: str | Path | None, results: str | Path, run: Path) -> Lookup:
    """Return the lookup in a folder of studies, or in a single one.

    If there is no study, a run that is asked for again uses the parameters of its trials.

    Args:
        named: the folder; the folder of studies in `results` unless given.
        run: the folder of the run.
    """
    place = expanded(named) if named is not None else expanded(results) / TUNE

    def find(asked: Request) -> Tuned:
        if named is not None and not place.is_dir():
            raise GenbenchError(f"--tuned {shown(str(named))}: there is no such folder; {_remedy(asked)}")
        found = {folder: one for folder, study in _studies(place) for one in _tuned(study, asked.model)}
        if not found and named is None and (before := _of_run(run, asked.model)):
            return before
        if not found:
            raise GenbenchError(
                f"{asked.model}[{TUNED}]: no study of {asked.model} in {from_here(place.absolute())}; {_remedy(asked)}"
            )
        fitting = _fitting(found, asked)
        if len(fitting) > 1:
            folders = ", ".join(str(from_here(folder.absolute())) for folder in fitting)
            raise GenbenchError(
                f"{asked.model} was tuned in {folders}, none of them on {', '.join(asked.data)} with the budget "
                f"{asked.budget}; say which: --tuned {from_here(next(iter(fitting)).absolute())}"
            )
        return next(iter(fitting.values()))

    return find


def _fitting(found: Mapping[Path, Tuned], asked: Request) -> Mapping[Path, Tuned]:
    """Return those of the run's data, of these those of its budget; all where none is."""
    of_data = {folder: one for folder, one in found.items() if set(one.data) == set(asked.data)} or found
    return {folder: one for folder, one in of_data.items() if one.budget == asked.budget} or of_data


def read_study(folder: Path) -> Study:
    """Return the study of a folder.

    Raises:
        CorruptFile: there is no study, or it cannot be read.
        NewerSchema: the study was written by a newer genbench.
    """
    file = folder / STUDY
    return parsed(file, content_of(file, folder, LARGEST), Study)


def _studies(place: Path) -> Iterator[tuple[Path, Study]]:
    """Yield the studies of a folder: its own, or those of the folders in it."""
    folders = [place] if (place / STUDY).exists() else sorted(file.parent for file in place.glob(f"*/{STUDY}"))
    for folder in folders:
        yield folder, read_study(folder)


def _tuned(study: Study, name: str) -> list[Tuned]:
    """Return how a model was tuned in a study; where several forms of it were, the one without parameters that stay.

    Raises:
        GenbenchError: several were, and each has parameters that stay.
    """
    every = [one for one in study.models if one.model_name == name and one.winner is not None]
    found = [one for one in every if not one.given] or every
    if len(found) > 1:
        labels = ", ".join(one.model for one in found)
        raise GenbenchError(f"study {shown(study.name)} has {shown(labels)}; tune one of them in a study of its own")
    return [study.tuned(one) for one in found]


def _of_run(run: Path, name: str) -> Tuned | None:
    """Return how the tuned model of a run that is there was tuned, by its latest trial."""
    store = Store(run)
    if not store.trials.is_dir():
        return None
    keys = [
        key for (_, model, *_), some in Summaries(store).keys_of.items() if model.startswith(f"{name}[") for key in some
    ]
    found = None
    for key in keys:
        try:
            spec = store.read(key).spec
        except CorruptFile:
            continue
        found = spec.tuned if spec.model_name == name and spec.tuned else found
    return found


def _remedy(asked: Request) -> str:
    data = shlex.quote(",".join(asked.data))
    return f"tune it first: genbench tune {asked.model} --data {data} --budget {asked.budget}"


def notes_of(tuned: Mapping[str, Tuned], data: Sequence[str], budget: str) -> list[str]:
    """Return notes on the tuned models of a plan, by label.

    They say what the parameters are, and on which other data or budget they were tuned.
    """
    notes = []
    for label, one in tuned.items():
        notes.append(f"{label}: {one}")
        if set(data) - set(one.data) or one.budget != budget:
            where = f"{', '.join(one.data)} with the budget {one.budget}"
            notes.append(f"caution: {label} was tuned on {where}, and runs on {', '.join(data)} with {budget}")
    return notes


def none_known(asked: Request) -> Tuned:
    """Raise an error: nothing was tuned for this request."""
    raise GenbenchError(f"{asked.model}[{TUNED}] works only in `genbench run`; write its parameters instead")
