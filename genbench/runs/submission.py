"""A submitted run: the folder of a bundle, checked and compared with trials run here.

Nothing in it is executed. A row counts as repeated here if runs that were not submitted have the same trials, by their
keys, with the same scores.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError, shown
from genbench.core.regular_files import link_outside, read_regular
from genbench.runs.bundle import ABOUT, SUBMISSION
from genbench.runs.repeat import agreement
from genbench.runs.unbundle import belongs, code_of_bundle
from genbench.runs.verify import check_files
from genbench.storage.records import TrialRecord
from genbench.storage.store import RUN_RECORD, CorruptFile, NewerSchema, Store

__all__ = ["Author", "Repeated", "is_ours", "is_submission", "remarks", "repeated_here", "runs_around", "submitted"]

SUBMITTED = "submitted"  # the folder of all that were
LARGEST = 2**14  # bytes of it; by hand: ten pages
TEST_BUDGET = "smoke"  # which trains for half a second
FAULTS = 3  # that an error names; by hand: a line
BESIDE = ("report.html", ".lock")  # what reading a run leaves there


def _web(text: str) -> str:
    if text and not (text.startswith("https://") and text.isprintable() and " " not in text):
        raise ValueError("write an address that begins with https://")
    return text


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write it in one line")
    return text


def _some(text: str) -> str:
    if not text.strip():
        raise ValueError("write who submits the run")
    return text


Line = Annotated[str, Len(0, 200), AfterValidator(_line)]
Web = Annotated[str, Len(0, 300), AfterValidator(_web)]


class Author(BaseModel):
    """The author of a submitted run, from its submission.toml.

    Attributes:
        by: the names of the authors.
        contact: an address, or a name on a platform.
        note: what readers should know, in one line.
        paper, code: addresses that begin with https://.
    """

    model_config = ConfigDict(extra="forbid")

    by: Annotated[Line, AfterValidator(_some)]
    contact: Line = ""
    note: Annotated[str, Len(0, 500), AfterValidator(_line)] = ""
    paper: Web = ""
    code: Web = ""


@dataclass(frozen=True)
class Repeated:
    """The trials of a submitted run that were also run here.

    Attributes:
        agreeing: keys of trials that have the same scores here, to the bit or to rounding.
        different: a line for each trial with other scores here.
        trials: number of trials of the submitted run.
    """

    agreeing: frozenset[str]
    different: list[str] = field(default_factory=list)
    trials: int = 0

    @property
    def whole(self) -> bool:
        """Whether all trials are repeated."""
        return len(self.agreeing) == self.trials

    def words(self, keys: Sequence[str]) -> str:
        """Return the text for a row: "yes" if all of its trials are repeated, else "no"."""
        return "yes" if set(keys) <= self.agreeing else "no"


def is_submission(folder: Path, base: Path | None = None) -> bool:
    """Whether a run's folder was submitted.

    It has a submission.toml, or is inside a folder called `submitted`.

    Args:
        base: the folders above are searched up to this one and its parent; unless given, only the nearest one.
    """
    if os.path.lexists(folder / SUBMISSION):
        return True
    top = folder.resolve().parent if base is None else base.resolve()
    around = [top] if base is None else [top, top.parent, *folder.relative_to(base).parents]
    return any(one.name == SUBMITTED for one in around)


def is_ours(folder: Path, base: Path | None = None) -> bool:
    """Whether a run was made here, and neither submitted nor unpacked from an archive."""
    return not is_submission(folder, base) and not os.path.lexists(folder / ABOUT)


def submitted(run: RunData) -> Author:
    """Check a submitted run, and return its author.

    Raises:
        GenbenchError: a file was changed, is missing, or does not belong there; the message names the first of them.
    """
    faults = list(_faults(run))
    if faults:
        more = f", and {len(faults) - FAULTS} more" if len(faults) > FAULTS else ""
        raise GenbenchError(
            f"{run.path} is no valid submission: {'; '.join(faults[:FAULTS])}{more}; write it anew by "
            "genbench bundle RUN --submit FOLDER"
        )
    return _author(run.path)


def repeated_here(run: RunData, others: Sequence[Store]) -> Repeated:
    """Compare the trials of a submitted run with those of runs that were not submitted."""
    agreeing, different = set(), []
    for trial in run.trials:
        twins = [twin for store in others if (twin := _twin(store, trial)) is not None]
        twins = [twin for twin in twins if twin.provenance != trial.provenance]  # a copy repeats nothing
        found = [agreement(trial, twin) for twin in twins]
        if found and all(one.kind != "different" for one in found):
            agreeing.add(trial.key)
        for one in found:
            if one.kind == "different":
                words = f"{trial.model} on {trial.place}, seed {trial.seed}: {one.words}"
                different.append(f"{run.path.name} has other scores than here: {shown(words, 300)}")
    return Repeated(frozenset(agreeing), different, len(run.trials))


def remarks(run: RunData) -> list[str]:
    """Return what readers of a submitted run have to know about it, a line for each."""
    smoke = sum(trial.budget == TEST_BUDGET for trial in run.trials)
    if not smoke:
        return []
    return [
        f"{shown(run.path.name)}: {smoke} of {len(run.trials)} submitted trials have the budget {TEST_BUDGET}, which "
        "tests an installation; their scores do not compare models"
    ]


def runs_around(folder: Path) -> list[Store]:
    """Return the runs around a submitted one that were not submitted.

    They are beside it, and beside the folder that contains it.
    """
    near, far = folder.resolve().parent, folder.resolve().parent.parent
    files = {*near.glob(f"*/{RUN_RECORD}"), *far.glob(f"*/{RUN_RECORD}"), *far.glob(f"*/*/{RUN_RECORD}")}
    return [Store(file.parent) for file in sorted(files) if is_ours(file.parent)]


def _twin(store: Store, trial: TrialRecord) -> TrialRecord | None:
    if not store.has(trial.key):
        return None
    try:
        return store.read(trial.key)
    except (CorruptFile, NewerSchema):
        return None


def _faults(run: RunData) -> Iterator[str]:
    """Yield what is wrong with the files of a submitted run, as clauses."""
    for file in _files(run.path):
        place = file.relative_to(run.path)
        if place.as_posix() in (SUBMISSION, *BESIDE):
            continue
        if file.is_symlink() or not file.is_file() or link_outside(file, run.path):
            yield f"{shown(place.as_posix())} is a link or no regular file"
        elif not belongs(PurePosixPath(run.path.name, place.as_posix()), file.stat().st_size):
            yield f"{shown(place.as_posix())} is not a file of a run, or is too large"
    for one in check_files(run.store, run.record.trials):
        if one.state in ("changed", "without digests") or (one.state == "missing" and one.file.endswith(".json")):
            yield f"{shown(one.file)} {shown(one.reason or 'has no digests', 200)}"
    unlisted = set(run.store.finished()) - set(run.record.trials)
    yield from (f"trials/{shown(key)}.json is in no table" for key in sorted(unlisted))
    if not run.trials:
        yield "it has no trial"
    for place_of_table in dict.fromkeys(trial.place for trial in run.trials if trial.sampled):
        if not any(trial.role == "oracle" for trial in run.trials if trial.place == place_of_table):
            yield f"its table of {shown(place_of_table)} has no oracle"
    try:
        code_of_bundle(run.path)
    except GenbenchError as error:
        yield str(error)


def _files(folder: Path) -> Iterator[Path]:
    """Yield all that is in a folder and no folder; links are not followed."""
    for here, folders, names in os.walk(folder):
        yield from (Path(here) / name for name in sorted(names))
        yield from (Path(here) / name for name in sorted(folders) if (Path(here) / name).is_symlink())


def _author(folder: Path) -> Author:
    """Return who submitted a run.

    Raises:
        GenbenchError: submission.toml is not there, or says something wrong.
    """
    file = folder / SUBMISSION
    try:
        return Author.model_validate(tomllib.loads(read_regular(file, folder, LARGEST).decode()))
    except FileNotFoundError:
        raise GenbenchError(f'{file} is not there; write it with a line by = "your name"') from None
    except OSError as error:
        raise GenbenchError(f"{file} {error.strerror or error}; write it anew") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise GenbenchError(
            f"{file}, {shown(where)}: {shown(first['msg'], 200).removeprefix('Value error, ')}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise GenbenchError(f"{file}: {shown(str(error), 200)}; write it as TOML") from None
