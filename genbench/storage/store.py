"""Files on disk: a small file for each finished trial, written whole or not at all."""

from __future__ import annotations

import glob
import itertools
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np

from genbench.contracts.data_files import file_name
from genbench.core.errors import GenbenchError, shown
from genbench.core.files import ending_in, link_or_copy, write_whole
from genbench.core.regular_files import Refused, link_outside, open_regular, write_within
from genbench.core.strict_json import strict_json
from genbench.core.types import Array
from genbench.storage.digests import Changed, FileDigest, Seal, digest_of, seal_of, sealed
from genbench.storage.json_records import CorruptFile, NewerSchema, as_record, content_of, facts_of, parsed
from genbench.storage.keys import key_as_written
from genbench.storage.limits import RECORD, RUN, is_key
from genbench.storage.records import RunRecord, TrialRecord
from genbench.storage.stamps import Stamp, stamp_of
from genbench.storage.stored_arrays import read_arrays
from genbench.storage.weights_file import packed, read_weights
from genbench.training.checkpoint import SUFFIX

__all__ = [
    "ARRAYS",
    "DATA",
    "LOGS",
    "RUN_RECORD",
    "SWEEPS",
    "WEIGHTS",
    "CorruptFile",
    "NewerSchema",
    "Store",
    "parsed",
    "put_aside",
]

RUN_RECORD = "run.json"
ARRAYS, WEIGHTS = ".npz", ".safetensors"  # how the names of the files beside a trial's record end

DATA = "data"  # the folder of data that a run was given in Python
LOGS = "logs"  # the folder of what trials in worker processes print
SWEEPS = "sweeps"  # the folder of what `genbench sweep` found; it depends on the weights alone, so it stays true
WATCHED = ("tensorboard", "wandb", "mlflow")  # the folders of what `--log` writes
FOLDERS = ("trials", "figures", "figures/training", DATA, LOGS, SWEEPS, *WATCHED)  # into which files are written
LOCK = 60.0  # seconds to wait for others to write run.json; by hand: a hundred of them in turn take some ten


class Store:
    """A run's folder: run.json, trials/<key>.{json,npz,safetensors}, figures/, data/.

    A trial's JSON is written last, so that if it exists, the other files exist. During training, a trial can resume
    from trials/<key>.checkpoint.safetensors. Its output is in logs/<key>.log.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()  # a plugin may change the working folder
        self.trials = self.path / "trials"
        self.renamed = False  # whether its files may have other names than their trials

    @classmethod
    def around(cls, file: Path) -> Store:
        """Return a store that reads trials from the folder of a file, whatever its name."""
        store = cls(file.parent.parent)
        store.trials, store.renamed = file.parent, True
        return store

    def create(self) -> None:
        """Make the folders.

        Raises:
            GenbenchError: a folder cannot be created.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_within(self.path, "trials")
            probe = self.trials / f".write-test.{secrets.token_hex(4)}.tmp"  # of this process alone
            probe.open("xb").close()
            probe.unlink(missing_ok=True)
        except Refused as error:
            raise GenbenchError(f"{self.trials} {error}; nothing is written there") from None
        except OSError as error:
            raise GenbenchError(
                f"cannot write to {self.path}: {error.strerror}; choose another --results folder"
            ) from None

    @contextmanager
    def lock(self, seconds: float = LOCK) -> Iterator[None]:
        """Lock the run for this process during a change of its files; other processes wait.

        Args:
            seconds: time limit for waiting.

        Raises:
            GenbenchError: another process does not release the lock.
        """
        from filelock import FileLock, Timeout

        lock = self.path / ".lock"
        for place in (lock, *(self.path / name for name in FOLDERS)):  # nothing is written elsewhere
            if link_outside(place, self.path) or (place == lock and place.exists() and not place.is_file()):
                raise GenbenchError(f"{place} is a link to a place outside of the run, or no regular file; remove it")
        found = ending_in(self.trials, SUFFIX)
        odd = [file for file in found if not file.is_file() or link_outside(file, self.path)]
        if odd:
            raise GenbenchError(f"{odd[0]} is no regular file of this run; remove it")
        held = FileLock(lock)
        try:
            held.acquire(timeout=seconds)
        except Timeout:
            raise GenbenchError(
                f"{lock} has been held by another genbench for {seconds:g} s; wait for it, or choose another --name"
            ) from None
        try:
            yield
        finally:
            held.release()

    def has(self, key: str) -> bool:
        """Whether a trial is finished. It is False for a text that is not a key."""
        return is_key(key) and os.path.lexists(self.trials / f"{key}.json")

    def write(
        self,
        record: TrialRecord,
        arrays: Mapping[str, Any] | None = None,
        weights: Mapping[str, Any] | None = None,
        weights_of: str = "",
        received: Mapping[str, bytes] = {},
    ) -> None:
        """Write a finished trial: first its arrays and weights, and the record last.

        Arrays are samples and log-densities.

        Args:
            weights_of: key of a trial whose file of weights it shares, if there is one.
            received: content of these files from another machine, by the ending of the name.

        Raises:
            OSError: the disk is full or the folder is gone; what was there before is untouched.
            ContractError: a weight has a kind that cannot be stored; nothing was written.
            CorruptFile: the record of the other trial cannot be read.
        """
        contents: dict[str, Callable[[Any], Any]] = {end: methodcaller("write", part) for end, part in received.items()}
        if weights:
            contents[WEIGHTS] = methodcaller("write", packed(weights))
        if arrays:
            contents[ARRAYS] = lambda out: np.savez(out, **arrays)
        places = {ending: self.trials / f"{record.key}{ending}" for ending in (ARRAYS, WEIGHTS)}
        files: dict[str, FileDigest] = {}
        for ending, write in contents.items():
            write_whole(places[ending], write)
            files[ending] = digest_of(places[ending])
        if WEIGHTS not in files and weights_of and (other := self.trials / f"{weights_of}{WEIGHTS}").exists():
            seal = self.seal(weights_of)
            if weights_of != record.key:
                link_or_copy(other, places[WEIGHTS])
            files[WEIGHTS] = seal.files[WEIGHTS] if seal and WEIGHTS in seal.files else digest_of(other)
        text = sealed(record.model_dump(mode="json", by_alias=True), files)
        write_whole(self.trials / f"{record.key}.json", lambda out: out.write(text))
        for ending in places.keys() - files.keys():  # of an earlier attempt
            places[ending].unlink(missing_ok=True)

    def stamp(self, key: str) -> Stamp | None:
        """Return a stamp of a trial's record, which changes when it is written again; or None."""
        return stamp_of(self.trials / f"{key}.json")

    def checkpoints(self) -> dict[str, list[Path]]:
        """Return the checkpoints of unfinished trials by key; further training runs have numbers."""
        found: dict[str, list[Path]] = {}
        for file in ending_in(self.trials, SUFFIX):
            if not file.is_file() or link_outside(file, self.path):
                continue
            found.setdefault(re.sub(r"\.\d+$", "", file.name.removesuffix(SUFFIX)), []).append(file)
        return found

    def discard_checkpoints(self, key: str) -> None:
        """Delete the checkpoints of a trial, and incomplete ones."""
        rubbish = self.trials.glob(f".{glob.escape(key)}.*{SUFFIX[1:]}.*.tmp")
        for file in [*self.checkpoints().get(key, []), *rubbish]:
            file.unlink(missing_ok=True)

    def log(self, key: str) -> Path:
        """Return the file for the output of a trial."""
        return self.path / LOGS / f"{key}.log"

    def discard_outputs(self, key: str) -> None:
        """Delete the files beside the record of a failed trial: its samples and weights."""
        for suffix in (ARRAYS, WEIGHTS):
            (self.trials / f"{key}{suffix}").unlink(missing_ok=True)

    def discard_sweep(self, key: str) -> None:
        """Delete the sweep of a trial's earlier weights."""
        (self.path / SWEEPS / f"{key}.json").unlink(missing_ok=True)

    def read(self, key: str) -> TrialRecord:
        """Return a finished trial, with the present path of its data file.

        Raises:
            CorruptFile: its file cannot be read, has changed, or belongs to another trial.
        """
        record, _ = self._read_trial(key)
        path = record.spec.dataset_params.get("path")
        if not record.spec.data_fingerprint or not isinstance(path, str) or os.path.exists(path):
            return record
        places = [str((self.path / DATA / file_name(path)).absolute())]
        with suppress(GenbenchError):  # it may be gone, or damaged
            files = self.read_run().files.items()
            places += [place for place, checksum in files if checksum == record.spec.data_fingerprint]
        found = [place for place in places if file_name(place) == file_name(path) and os.path.exists(place)]
        return record.model_copy(update={"spec": record.spec.at(found[0])}) if found else record

    def set_aside(self, key: str) -> Path:
        """Rename a corrupt trial file so that the trial runs again, and return the new path."""
        return put_aside(self.trials / f"{key}.json")

    def samples(self, key: str) -> Array | None:
        """Return a trial's samples [n, *shape] as float64, or None; errors are those of `arrays`."""
        return self.arrays(key).get("samples")

    def arrays(self, key: str) -> dict[str, Array]:
        """Return the samples [n, *shape] and log-densities of a trial by name, as float64.

        Raises:
            CorruptFile: the file cannot be read.
        """
        file = self.trials / f"{key}{ARRAYS}"
        if not is_key(key) or not file.exists():
            return {}
        record, seal = self._read_trial(key)
        with self._whole(file, seal), open_regular(file, self.path) as opened:
            return read_arrays(opened, record.spec.protocol.samples)

    def weights(self, key: str) -> dict[str, Any]:
        """Return a trial's weights by name, as tensors; {} if it has none.

        Raises:
            CorruptFile: the file cannot be read.
        """
        file = self.trials / f"{key}{WEIGHTS}"
        if not (is_key(key) or self.renamed) or not file.exists():
            return {}
        with self._whole(file, self.seal(key)):
            return read_weights(file, self.path)

    def seal(self, key: str, doubt: bool = False) -> Seal | None:
        """Return the digests of the files beside a trial's record; None if it has none.

        Args:
            doubt: whether to compare its key with its spec even if its own digest is right.

        Raises:
            CorruptFile: the record cannot be read, or has changed.
        """
        return self._read_trial(key, doubt)[1]

    @contextmanager
    def _whole(self, file: Path, seal: Seal | None) -> Iterator[None]:
        """Compare a file with its digest, and turn what goes wrong in the block that reads it into a CorruptFile."""
        try:
            if seal is not None:
                seal.check(file, self.path)
            yield
        except Changed as error:
            raise CorruptFile(f"{file} {error}; delete its trial's files and run again") from None
        except (OSError, ValueError, EOFError, MemoryError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            words = f"{file} cannot be read ({shown(reason, 200)}); delete its trial's files and run again"
            raise CorruptFile(words) from None

    def finished(self) -> list[str]:
        """Return the keys of all finished trials, including those not in the run's table."""
        return [file.stem for file in ending_in(self.trials, ".json")]

    def read_run(self) -> RunRecord:
        """Return the run's record.

        Raises:
            GenbenchError: there is no run here.
            CorruptFile: its file cannot be read.
        """
        file = self.path / RUN_RECORD
        if not file.exists():
            near = (
                sorted(p.parent.name for p in self.path.parent.glob("*/run.json")) if self.path.parent.exists() else []
            )
            hint = f"runs beside it: {', '.join(near)}" if near else "start one with `genbench run`"
            raise GenbenchError(f"{self.path} is not a run (no run.json); {hint}")
        return parsed(file, content_of(file, self.path, RUN), RunRecord)

    def write_run(self, record: RunRecord) -> None:
        """Write the run's record."""
        self.write_text(RUN_RECORD, strict_json(record.model_dump(mode="json", by_alias=True)) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file into the run's folder and return its path."""
        file = self.path / name
        if link_outside(file.parent, self.path):
            raise GenbenchError(f"{file.parent} is a link to a place outside of the run; remove it")
        write_whole(file, lambda out: out.write(text.encode(errors="replace")))
        return file

    def _read_trial(self, key: str, doubt: bool = False) -> tuple[TrialRecord, Seal | None]:
        """Return a trial's record as it was written, with its digests.

        Args:
            doubt: whether its key is computed anew although its digest is right, which takes as long as reading it.
        """
        if not (is_key(key) or self.renamed):
            raise CorruptFile(f"{self.path}: '{shown(key)}' is no name of a trial")
        file = self.trials / f"{key}.json"
        content = content_of(file, self.path, RECORD)
        facts = facts_of(file, content)
        try:
            seal = seal_of(content, facts)
        except Changed as error:
            raise CorruptFile(f"{file} is corrupt: {error}") from None
        record = as_record(file, facts, TrialRecord)
        if record.key != key and not self.renamed:
            raise CorruptFile(f"{file} is of another trial, '{shown(record.key)}'")
        if seal is None or doubt:
            known = key_as_written(facts["spec"])
            if record.key not in (known, record.spec.key):
                raise CorruptFile(f"{file} is corrupt: its key is not that of its spec")
        return record, seal


def put_aside(file: Path) -> Path:
    """Rename a damaged file so that another can replace it, and return the new path."""
    names = (file.with_name(f"{file.name}.corrupt{f'-{n}' if n > 1 else ''}") for n in itertools.count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    with suppress(FileNotFoundError):  # another genbench has done so
        file.rename(aside)
    return aside
