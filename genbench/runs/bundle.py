"""A run as one archive, so that it can be repeated elsewhere.

It has the records, data that were given in Python, the code of plugins, versions, and how to repeat the run. The same
run gives the same bytes, because members are sorted and have no times and owners.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import IO

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.cards import Card
from genbench.core.environment import machine
from genbench.core.errors import GenbenchError, shown
from genbench.core.files import write_whole
from genbench.core.plugin_loading import LOADED
from genbench.core.recorded_plugins import discover_recorded, remedy
from genbench.core.registry import discover
from genbench.core.regular_files import link_outside
from genbench.core.strict_json import strict_json
from genbench.runs.code import changed_code, named_datasets
from genbench.storage.records import TrialSpec
from genbench.storage.store import ARRAYS, DATA, RUN_RECORD, WEIGHTS

__all__ = ["ABOUT", "ENDING", "PLUGINS", "SUBMISSION", "VERSION", "Packed", "pack"]

VERSION = 1  # of the archive's form
ENDING = ".tar.gz"
ABOUT = "bundle.json"
PLUGINS = "plugins"  # the folder of their code
SUBMISSION = "submission.toml"  # of a folder that is submitted: who did it
TO_FILL_IN = """# Who submits this run; by is needed, the rest may be left empty. See docs/submitting.md of genbench.
by = ""
contact = ""
note = ""   # what readers should know, in one line
paper = ""  # https://…
code = ""   # https://…
"""
README = """# {name}

A benchmark of generative models, packed by `genbench bundle` (genbench {genbench}{commit}).

To repeat it on another machine:

    pip install genbench=={genbench}
    genbench bundle --repeat {path}

It runs the {trials} trials in results/{name}-repeated, and says which scores agree. An archive is unpacked first, to
results/{name}-recorded. Code in {PLUGINS}/ runs only if you add --trust-code: read it first. requirements.txt has the
versions of all packages that were installed.

What was asked:

{commands}
"""


@dataclass
class Packed:
    """A written archive.

    Attributes:
        sizes: bytes before compression, for each kind of content.
        notes: what is missing in it, and why.
    """

    path: Path
    sizes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def pack(
    run: RunData,
    out: Path | None = None,
    samples: bool = False,
    weights: bool = False,
    plugins: Sequence[str] = (),
    folder: bool = False,
) -> Packed:
    """Write an archive of the trials in a run's table.

    Args:
        out: path of the archive; NAME.tar.gz in the current folder unless given.
        samples, weights: whether to include these.
        plugins: files or folders with code to include, besides trusted code.
        folder: whether to write a folder of the same files, for a submission, instead of an archive.

    Raises:
        GenbenchError: the run has no trial, or the file exists or cannot be written.
    """
    if not run.trials:
        raise GenbenchError(f"{run.path} has no finished trial; there is nothing to pack")
    packed = Packed(Path(f"{run.path.name}{ENDING}") if out is None else out)
    if os.path.lexists(packed.path):
        raise GenbenchError(
            f"{packed.path} exists already and is not overwritten; delete it, or choose another file or folder"
        )
    discover(tuple(plugins))
    specs = [trial.spec for trial in run.trials]
    discover_recorded(source for spec in specs for source in spec.plugins)
    packed.notes += run.problems
    members = _stored(run, samples, weights, packed)
    code, mains = _code(specs, packed)
    members |= code | _about(run, mains, packed.path.name if folder else f"{run.path.name}{ENDING}")
    if elsewhere := _data_elsewhere(run, members):
        packed.notes.append(f"data are not in it, and are needed to repeat it: {', '.join(elsewhere)}")
    try:
        if folder:
            _write_folder(packed.path.absolute(), members | {SUBMISSION: TO_FILL_IN.encode()})
        else:
            write_whole(packed.path.absolute(), lambda file: file.write(_archive(run.path.name, members)))
    except OSError as error:
        raise GenbenchError(f"cannot write {packed.path}: {error.strerror or error}; choose another --output") from None
    return packed


def _stored(run: RunData, samples: bool, weights: bool, packed: Packed) -> dict[str, bytes]:
    """Return the files of the run's folder that belong to its table, by name."""
    members: dict[str, bytes] = {}
    wanted = [(".json", "records", True), (ARRAYS, "samples", samples), (WEIGHTS, "weights", weights)]
    for trial in run.trials:
        for ending, what, asked in wanted:
            included = asked or (trial.spec.outside and ending == ARRAYS)  # which nothing makes again
            file = run.store.trials / f"{trial.key}{ending}"
            if not file.is_file() or link_outside(file, run.path):
                continue
            size = file.stat().st_size
            packed.sizes[what if included else f"{what}, left out"] = (
                packed.sizes.get(what if included else f"{what}, left out", 0) + size
            )
            if included:
                members[f"trials/{file.name}"] = file.read_bytes()
    for file in sorted((run.path / DATA).glob("*")):
        if file.is_file() and not link_outside(file, run.path):
            members[f"{DATA}/{file.name}"] = file.read_bytes()
            packed.sizes["data"] = packed.sizes.get("data", 0) + file.stat().st_size
    table = run.record.model_copy(update={"trials": [trial.key for trial in run.trials]})
    members[RUN_RECORD] = (strict_json(table.model_dump(mode="json", by_alias=True)) + "\n").encode()
    return members


def _code(specs: Sequence[TrialSpec], packed: Packed) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of the plugins that trials name, by name, and the names of those that are imported by hand.

    Only code that is imported here goes into an archive, so that no run makes us pack any other file.
    """
    found: dict[str, bytes] = {}
    mains: dict[str, str] = {}  # by source
    for spec in specs:
        if words := remedy(spec.plugins):
            packed.notes.append(f"code is not in it: {words}")
        for card in _cards(spec):
            source = card.plugin
            if card.built_in or source in mains:
                continue
            if source not in LOADED or not source.endswith(".py"):
                packed.notes.append(f"code of {card.name} is not in it: it is of {shown(source, 200) or 'a notebook'}")
            elif changed := changed_code(spec, **_by_digest(spec, source)):
                packed.notes.append(f"code of {', '.join(changed)} is not in it: it changed since {spec.key} ran")
            else:
                files = [Path(name) for name in LOADED[source].code]
                top, folder = Path(os.path.commonpath([file.parent for file in files])), f"{PLUGINS}/{len(mains)}"
                found |= {f"{folder}/{file.relative_to(top).as_posix()}": file.read_bytes() for file in files}
                mains[source] = f"{folder}/{LOADED[source].file.relative_to(top).as_posix()}"
                packed.sizes["code"] = sum(map(len, found.values()))
    packed.notes[:] = dict.fromkeys(packed.notes)
    return found, list(mains.values())


def _cards(spec: TrialSpec) -> list[Card]:
    metrics = (METRICS.cards.get(name) for name in spec.metrics)
    known = (MODELS.cards.get(spec.model_name), DATASETS.cards.get(spec.dataset_name), *metrics)
    return [card for card in (*known, *named_datasets(spec.params)) if card is not None]


def _by_digest(spec: TrialSpec, source: str) -> dict[str, Card]:
    """Return the cards of a source that a spec uses, by the names of their digests."""
    cards: dict[str, Card | None] = {
        "model": MODELS.cards.get(spec.model_name),
        "dataset": DATASETS.cards.get(spec.dataset_name),
    }
    cards |= {f"metric {name}": METRICS.cards.get(name) for name in spec.metrics}
    return {name: card for name, card in cards.items() if card is not None and card.plugin == source}


def _about(run: RunData, mains: Sequence[str], path: str) -> dict[str, bytes]:
    """Return what says how to repeat the run; `path` is how the archive, or the folder, is called."""
    last = max((trial.provenance for trial in run.trials), key=lambda ran: ran.time)
    genbench, commit = last.genbench or machine()["genbench"], f" at commit {last.commit}" if last.commit else ""
    commands = "\n".join(f"    {command}" for command in run.record.commands) or "    (not known)"
    facts = {"name": run.path.name, "genbench": genbench, "commit": commit, "trials": len(run.trials)}
    text = README.format(**facts, commands=commands, path=path, PLUGINS=PLUGINS)
    about = {"bundle": VERSION, **facts, "plugins": list(mains), "commands": run.record.commands}
    installed = {f"{one.metadata['Name']}=={one.version}" for one in distributions() if one.metadata["Name"]}
    return {
        "README.md": text.encode(errors="replace"),
        ABOUT: (strict_json(about) + "\n").encode(),
        "requirements.txt": ("\n".join(sorted(installed, key=str.lower)) + "\n").encode(),
    }


def _data_elsewhere(run: RunData, members: Mapping[str, bytes]) -> list[str]:
    """Return the files of data that trials read and that are not in the run's folder."""
    paths = {
        str(trial.spec.dataset_params["path"])
        for trial in run.trials
        if trial.spec.data_fingerprint and isinstance(trial.spec.dataset_params.get("path"), str)
    }
    return sorted(shown(path, 200) for path in paths if f"{DATA}/{Path(path).name}" not in members)


def _write_folder(folder: Path, members: Mapping[str, bytes]) -> None:
    """Write the members into a folder, beside its place first, so that it is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        whole = Path(beside) / folder.name
        for name, content in members.items():
            write_whole(whole / name, partial(_write, content))
        whole.rename(folder)


def _write(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _archive(name: str, members: Mapping[str, bytes]) -> bytes:
    """Return an archive in which all members are in one folder."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(members):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mode = len(members[path]), 0o644
            archive.addfile(member, io.BytesIO(members[path]))
    return out.getvalue()
