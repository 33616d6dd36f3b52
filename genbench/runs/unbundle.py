"""An archive of a run from anybody: it is unpacked within limits, and run again."""

from __future__ import annotations

import filecmp
import os
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic_core import from_json

from genbench.analysis.run_data import RunData
from genbench.contracts.data_files import file_name
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError, collected_warnings, shown
from genbench.core.interrupts import handled, stop_now
from genbench.core.registry import Group, discover
from genbench.core.regular_files import link_outside, open_regular, read_regular
from genbench.core.types import Say
from genbench.runs.bundle import ABOUT, PLUGINS, VERSION
from genbench.runs.outside import scored_again
from genbench.runs.plan import Plan
from genbench.runs.repeat import agreement, todays
from genbench.runs.session import Workers, session
from genbench.runs.step_counts import counts_of
from genbench.storage.limits import RECORD, RUN, is_key
from genbench.storage.records import RunRecord, TrialRecord, TrialSpec
from genbench.storage.run_record import edited_run
from genbench.storage.store import ARRAYS, DATA, RUN_RECORD, WEIGHTS, Store

__all__ = ["Repetition", "belongs", "code_of_bundle", "repeat", "unpack"]

# All by hand. zlib packs zeros a thousandfold; records are packed tenfold, samples and weights hardly.
RATIO = 100  # times its size that an archive may have when it is unpacked
SMALL = 2**26  # bytes that any archive may have
MEMBERS = 500_000
SOURCE = 2**22  # bytes of a file of code, or of text
HEADER = 2**16  # bytes of what stands before a member with a long name


class _Member(tarfile.TarInfo):
    """A member whose headers are read only if they are short."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        longer = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        names = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if self.type in (*longer, *names) and self.size > HEADER:
            raise tarfile.ReadError("a header is too long")
        return super()._proc_member(archive)  # type: ignore[misc]


@dataclass
class Repetition:
    """The result of repeating a run.

    Attributes:
        recorded, repeated: the folders of the unpacked run and of the new run.
        agreements: numbers of trials for each kind of agreement: "bit", "rounding", "different".
        lines: a line for each difference, and for what could not be repeated.
    """

    recorded: Path
    repeated: Path
    agreements: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)


def unpack(file: Path, results: Path) -> Path:
    """Unpack an archive to results/NAME-recorded, and return that folder.

    A folder with the same content is kept.

    Raises:
        GenbenchError: the file is not an archive of `genbench bundle`, is too large, or the folder has other content.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=results) as beside:
            name = _extract(file, Path(beside))
            here, target = Path(beside) / name, (results / f"{name}-recorded").absolute()
            if not os.path.lexists(target):
                here.rename(target)
            elif not _same(here, target):
                raise GenbenchError(f"{target} is there and is another run; choose another --results folder")
            return target
    except tarfile.TarError as error:
        raise _no_bundle(file, str(error)) from None
    except (EOFError, ValueError) as error:
        raise _no_bundle(file, str(error)) from None
    except OSError as error:
        reason = error.strerror or shown(str(error))
        raise GenbenchError(f"{file}: {reason}; give an archive of genbench bundle") from None


def _no_bundle(file: Path, reason: str) -> GenbenchError:
    return GenbenchError(f"{file} is no archive of genbench bundle: {shown(reason, 200)}")


def _extract(file: Path, folder: Path) -> str:
    """Write the members of an archive into a folder, and return the name of the one in which all of them are."""
    top, total, count = "", 0, 0
    with open_regular(file) as opened, tarfile.open(fileobj=opened, mode="r:gz", tarinfo=_Member) as archive:
        most = max(SMALL, RATIO * os.fstat(opened.fileno()).st_size)
        while (member := archive.next()) is not None:
            total, count = total + member.size, count + 1
            if total > most or count > MEMBERS:
                raise ValueError(f"it is larger than {most:,} bytes or has more than {MEMBERS:,} files")
            path = PurePosixPath(member.name)
            if not member.isreg() or len(path.parts) < 2 or path.parts[0] != (top or path.parts[0]):
                raise ValueError(f"{ascii(member.name)[:100]} is no file of a run")
            if not belongs(path, member.size):
                raise ValueError(f"{ascii(member.name)[:100]} is not a file of a run, or is too large")
            top = path.parts[0]
            archive.extract(member, folder, filter="data")
            archive.members = []  # type: ignore[attr-defined]  # which would hold all of them
    if not (folder / top / RUN_RECORD).is_file() or not top:
        raise ValueError("it has no run.json")
    return top


def belongs(path: PurePosixPath, size: int) -> bool:
    """Whether an archive of a run may have a member with this name and size."""
    top, *parts = path.parts
    if not is_key(top) or any(part in ("..", ".") or not part.isprintable() for part in parts):
        return False
    if len(parts) == 1:
        return size <= (RUN if parts[0] == RUN_RECORD else SOURCE)
    if parts[0] == "trials" and len(parts) == 2:
        known = path.suffix in (".json", ARRAYS, WEIGHTS) and is_key(path.stem)
        return known and (path.suffix != ".json" or size <= RECORD)
    if parts[0] == PLUGINS:
        return path.suffix == ".py" and size <= SOURCE
    return parts[0] == DATA and len(parts) == 2


def _same(one: Path, other: Path) -> bool:
    """Whether each file of a folder is in another one, with the same content."""
    names = [file.relative_to(one) for file in one.rglob("*") if file.is_file()]
    return all((other / name).is_file() and filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _checked_folder(folder: Path) -> Path:
    """Return the folder of a bundle, in which everything belongs to it.

    Raises:
        GenbenchError: it is none.
    """
    if not (folder / ABOUT).is_file() or not (folder / RUN_RECORD).is_file():
        raise GenbenchError(f"{folder} is no folder of genbench bundle: it has no {ABOUT} or no {RUN_RECORD}")
    for file in sorted((folder / PLUGINS).rglob("*")):
        if link_outside(file, folder) or not (file.is_dir() or file.is_file()):
            raise GenbenchError(f"{file} is a link to a place outside of the bundle, or no regular file; remove it")
    return folder.absolute()


def repeat(
    file: Path, results: Path, trust_code: bool, plugins: Sequence[str], workers: Workers, say: Say
) -> Repetition:
    """Unpack an archive, run its trials in results/NAME-repeated, and compare their scores.

    Args:
        file: the archive, or a folder with its content, which is not changed.
        trust_code: whether to import the code in the archive.
        plugins: files or folders of the user, which may have the same code.

    Raises:
        GenbenchError: the file is not an archive, its trials need code that is not trusted, or no trial can be planned.
    """
    recorded = _checked_folder(file) if file.is_dir() else unpack(file, results)
    run = RunData(recorded)
    for problem in run.problems:
        say(problem)
    discover(tuple(plugins))
    mains = code_of_bundle(recorded)
    if mains and not trust_code and not all(_known(trial.spec) for trial in run.trials):
        raise GenbenchError(
            f"its trials need code that is in the archive: {', '.join(shown(str(main), 300) for main in mains)}; read "
            "it, and if you trust it, add --trust-code"
        )
    discover(tuple(map(str, mains)) if trust_code else ())
    repetition = Repetition(recorded, results.absolute() / f"{recorded.name.removesuffix('-recorded')}-repeated")
    specs = _planned(run, repetition)
    given = {key: spec for key, spec in specs.items() if spec.outside}
    if not specs:
        raise GenbenchError(f"no trial of {file} can be repeated: {repetition.lines[0]}")
    plan = Plan(list({spec.key: spec for spec in specs.values() if not spec.outside}.values()))
    store = Store(repetition.repeated)
    store.create()
    if not (store.path / RUN_RECORD).exists():  # so that no number of steps is found anew
        store.write_run(RunRecord(name=store.path.name, step_counts=counts_of(plan.trials)))
    request = {"command": ["genbench", "bundle", "--repeat", str(file)]}
    with (
        handled({"SIGINT": stop_now}),
        session(plan, store, workers, None, say, request) as opened,
    ):
        opened.enter(opened.plan.trials)
        opened.perform(opened.plan.trials)
        for before in run.trials:
            if before.key in given:
                _score_again(run, before, given[before.key], store, repetition)
            elif before.key in specs:
                _compare(before, opened.store.read(specs[before.key].key), repetition)
    return repetition


def _score_again(run: RunData, before: TrialRecord, spec: TrialSpec, store: Store, repetition: Repetition) -> None:
    """Score the samples of a trial from outside again, and put it into the repeated run."""
    try:
        after = scored_again(run.store, before, spec)
    except GenbenchError as error:
        repetition.lines.append(f"1 trial cannot be scored again: {error}")
        return
    store.write(after, run.store.arrays(before.key))
    with edited_run(store, repetition.lines.append) as record:
        record.trials = list(dict.fromkeys([*record.trials, after.key]))
    _compare(before, after, repetition)


def _known(spec: TrialSpec) -> bool:
    """Whether something is registered under each name of a spec."""
    wanted: list[tuple[Group[Any], str]] = [] if spec.outside else [(MODELS, spec.model_name)]
    wanted += [(DATASETS, spec.dataset_name)]
    wanted += [(METRICS, name) for name in spec.metrics]
    return all(name in group.cards for group, name in wanted)


def _compare(before: TrialRecord, after: TrialRecord, repetition: Repetition) -> None:
    found = agreement(before, after)
    repetition.agreements[found.kind] += 1
    if found.kind == "different":
        repetition.lines.append(f"{before.model} on {before.place}, seed {before.seed}: {found.words}")


def code_of_bundle(recorded: Path) -> list[Path]:
    """Return the files of code in an archive that must be imported."""
    try:
        about = from_json(read_regular(recorded / ABOUT, recorded, SOURCE))
        version, names = about["bundle"], about["plugins"]
    except (OSError, ValueError, KeyError, TypeError):
        raise GenbenchError(f"{recorded / ABOUT} cannot be read; it is no archive of genbench bundle") from None
    if not isinstance(version, int) or version > VERSION:
        raise GenbenchError(f"{recorded / ABOUT} was written by a newer genbench; upgrade genbench")
    paths = [PurePosixPath(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []
    inside = [path for path in paths if path.parts[:1] == (PLUGINS,) and ".." not in path.parts]
    return [recorded / path for path in inside if (recorded / path).is_file()]


def _planned(run: RunData, repetition: Repetition) -> dict[str, TrialSpec]:
    """Return what today's genbench makes of each trial, by its key in the archive."""
    found: dict[str, TrialSpec] = {}
    reasons: Counter[str] = Counter()
    for trial in run.trials:
        try:
            with collected_warnings():
                spec = todays(_here(trial.spec, run.path))
        except GenbenchError as error:
            reasons[f"cannot be repeated: {error}"] += 1
            continue
        found[trial.key] = spec
        if changed := spec.differences(trial.spec):
            reasons[f"run with something else than they were: {'; '.join(changed[:3])}"] += 1
    repetition.lines += _by_number(reasons)
    return found


def _by_number(reasons: Counter[str]) -> Sequence[str]:
    return [f"{number} trial{'' if number == 1 else 's'} {reason}" for reason, number in reasons.most_common()]


def _here(spec: TrialSpec, folder: Path) -> TrialSpec:
    """Return a spec whose file of data is that of the archive, where it holds one."""
    path = spec.dataset_params.get("path")
    if spec.data_fingerprint and isinstance(path, str) and (folder / DATA / file_name(path)).is_file():
        return spec.at(str(folder / DATA / file_name(path)))
    return spec
