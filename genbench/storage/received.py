"""The files of a trial from another machine, written as if it had run here."""

from __future__ import annotations

from collections.abc import Mapping
from operator import methodcaller
from pathlib import Path, PurePosixPath

from genbench.core.files import write_whole
from genbench.core.regular_files import link_outside, write_within
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import ARRAYS, WEIGHTS, CorruptFile, Store, parsed

__all__ = ["write_received"]

BESIDE = ("logs/", "figures/training/", "tensorboard/", "wandb/")  # where a trial writes besides its own files


def write_received(store: Store, spec: TrialSpec, files: Mapping[str, bytes]) -> TrialRecord | None:
    """Write the files of a trial by path, its record last, and return the record.

    The paths are relative to the run's folder.

    Returns:
        None if there is no record; the output of the trial is kept.

    Raises:
        CorruptFile: the record cannot be read, or is of another trial; it is not written.
        OSError: a file cannot be written.
    """
    own = f"trials/{spec.key}"
    content = files.get(f"{own}.json")
    record = None
    if content is not None:
        record = parsed(Path(f"{own}.json"), content, TrialRecord)
        if record.key != spec.key:
            raise CorruptFile(f"{own}.json is of another trial, {record.key}")
        record.spec = spec  # with the folders of this machine
        # files of the run's folder are none that a trial depends on; over there, they lay somewhere else
        read = record.provenance.files.items()
        own_files = {name: digest for name, digest in read if link_outside(Path(name), store.path)}
        record.provenance = record.provenance.model_copy(update={"files": own_files})
    for name, part in files.items():
        if name.startswith(BESIDE) and ".." not in PurePosixPath(name).parts:
            file = store.path / name
            write_within(store.path, *PurePosixPath(name).parent.parts)
            write_whole(file, methodcaller("write", part))
    if record is not None:
        store.write(record, received={end: files[own + end] for end in (ARRAYS, WEIGHTS) if own + end in files})
    return record
