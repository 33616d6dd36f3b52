"""Files on disk: one small file per finished trial, written whole or not at all."""

from __future__ import annotations

import glob
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from genbench.contracts.data_files import file_name
from genbench.core.errors import ContractError, GenbenchError, shown
from genbench.core.files import write_whole
from genbench.core.regular_files import Refused, link_outside, open_regular, read_regular, write_within
from genbench.core.strict_json import strict_json
from genbench.core.types import Array
from genbench.storage.limits import RECORD, RUN, is_key, oversized
from genbench.storage.records import SCHEMA, RunRecord, TrialRecord
from genbench.storage.stored_arrays import read_arrays
from genbench.training.checkpoint import SUFFIX

__all__ = ["DATA", "LOGS", "SWEEPS", "CorruptFile", "NewerSchema", "Store", "parsed"]

DATA = "data"  # the folder of data that a run was given in Python
LOGS = "logs"  # the folder of what trials in worker processes print
SWEEPS = "sweeps"  # the folder of what `genbench sweep` found; it depends on the weights alone, so it stays true
FOLDERS = (
    "trials",
    "figures",
    "figures/training",
    DATA,
    LOGS,
    SWEEPS,
    "tensorboard",
)  # of a run, into which files are written
SMALL = 2**16  # bytes of JSON that can hold nothing too large
HEADER = 2**24  # bytes of the list of tensors in a file of weights; by hand: that of 100,000 tensors
LOCK = 60.0  # seconds to wait for others to write run.json; by hand: a hundred of them in turn take some ten

R = TypeVar("R", bound=BaseModel)


class CorruptFile(GenbenchError):
    """A file of the store that cannot be read back."""


class NewerSchema(GenbenchError):
    """A file that a newer genbench wrote."""


class Store:
    """A run's folder: run.json, trials/<key>.{json,npz,safetensors}, figures/, data/.

    A trial's JSON is written last, so that where it is, the rest is. While a trial trains, it can resume from
    trials/<key>.checkpoint.safetensors. What it prints goes to logs/<key>.log.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()  # a plugin may change the working folder
        self.trials = self.path / "trials"
        self.renamed = False  # whether its files may have other names than their trials

    @classmethod
    def around(cls, file: Path) -> Store:
        """Return a store that reads trials from the folder of a file, whatever its name is."""
        store = cls(file.parent.parent)
        store.trials, store.renamed = file.parent, True
        return store

    def create(self) -> None:
        """Make the folders.

        Raises:
            GenbenchError: the place cannot be written.
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
        """Hold the run for this process, for as long as it takes to change a file of it; others wait.

        Args:
            seconds: to wait for it.

        Raises:
            GenbenchError: another process does not let go of it.
        """
        from filelock import FileLock, Timeout

        lock = self.path / ".lock"
        for place in (lock, *(self.path / name for name in FOLDERS)):  # nothing is written elsewhere
            if link_outside(place, self.path) or (place == lock and place.exists() and not place.is_file()):
                raise GenbenchError(f"{place} is a link to a place outside of the run, or no regular file; remove it")
        odd = [file for file in self.trials.glob(f"*{SUFFIX}") if not file.is_file() or link_outside(file, self.path)]
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
        """Whether a trial is finished; a name that no trial can have is of none."""
        return is_key(key) and os.path.lexists(self.trials / f"{key}.json")

    def write(
        self, record: TrialRecord, arrays: Mapping[str, Any] | None = None, weights: Mapping[str, Any] | None = None
    ) -> None:
        """Write a finished trial: its arrays (samples, log-densities) and weights first, the record last.

        Raises:
            OSError: the disk is full or the folder is gone; what was there before is untouched.
            ContractError: a weight is of a kind that no file holds; nothing was written.
        """
        payload = _packed(weights) if weights else b""
        if arrays:
            write_whole(self.trials / f"{record.key}.npz", lambda file: np.savez(file, **arrays))
        if payload:
            write_whole(self.trials / f"{record.key}.safetensors", lambda file: file.write(payload))
        self._write_json(self.trials / f"{record.key}.json", record)

    def stamp(self, key: str) -> tuple[int, int] | None:
        """Return what tells a trial's record from one that is written later; None where there is none."""
        try:
            found = (self.trials / f"{key}.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def checkpoints(self) -> dict[str, list[Path]]:
        """Return the checkpoints of unfinished trials by key; those of further training runs of one have numbers."""
        found: dict[str, list[Path]] = {}
        for file in sorted(self.trials.glob(f"*{SUFFIX}")):
            if not file.is_file() or link_outside(file, self.path):
                continue
            found.setdefault(re.sub(r"\.\d+$", "", file.name.removesuffix(SUFFIX)), []).append(file)
        return found

    def discard_checkpoints(self, key: str) -> None:
        """Delete the checkpoints of a trial, and what a kill left of one."""
        rubbish = self.trials.glob(f".{glob.escape(key)}.*{SUFFIX[1:]}.*.tmp")
        for file in [*self.checkpoints().get(key, []), *rubbish]:
            file.unlink(missing_ok=True)

    def log(self, key: str) -> Path:
        """Return the file that takes what a trial prints."""
        return self.path / LOGS / f"{key}.log"

    def discard_outputs(self, key: str) -> None:
        """Delete what stands beside the record of a trial that failed: samples and weights of a part of it."""
        for suffix in (".npz", ".safetensors"):
            (self.trials / f"{key}{suffix}").unlink(missing_ok=True)

    def discard_sweep(self, key: str) -> None:
        """Delete what was swept of a trial's earlier weights."""
        (self.path / SWEEPS / f"{key}.json").unlink(missing_ok=True)

    def read(self, key: str) -> TrialRecord:
        """Return a finished trial; a data file that is gone from its place is looked for where the run has it now.

        Raises:
            CorruptFile: its file cannot be read back.
        """
        if not (is_key(key) or self.renamed):
            raise CorruptFile(f"{self.path}: '{shown(key)}' is no name of a trial")
        record = self._read_json(self.trials / f"{key}.json", TrialRecord, RECORD)
        if record.key != key and not self.renamed:
            raise CorruptFile(f"{self.trials / f'{key}.json'} is of another trial, '{shown(record.key)}'")
        path = record.spec.dataset_params.get("path")
        if not record.spec.data_fingerprint or not isinstance(path, str) or os.path.exists(path):
            return record
        places = [str((self.path / DATA / file_name(path)).absolute())]
        if (self.path / "run.json").exists():
            files = self.read_run().files.items()
            places += [place for place, checksum in files if checksum == record.spec.data_fingerprint]
        found = [place for place in places if file_name(place) == file_name(path) and os.path.exists(place)]
        return record.model_copy(update={"spec": record.spec.at(found[0])}) if found else record

    def set_aside(self, key: str) -> Path:
        """Rename a corrupt trial file, so that the trial runs again and the evidence stays; returns the new name."""
        file = self.trials / f"{key}.json"
        aside = file.with_suffix(".json.corrupt")
        with suppress(FileNotFoundError):  # another genbench has done so
            file.replace(aside)
        return aside

    def samples(self, key: str) -> Array | None:
        """Return a trial's samples [n, *shape] as float64, or None where it has none; errors are those of `arrays`."""
        return self.arrays(key).get("samples")

    def arrays(self, key: str) -> dict[str, Array]:
        """Return what a trial's model showed, by name, as float64: samples [n, *shape] and its log-densities.

        Raises:
            CorruptFile: the file cannot be read back.
        """
        file = self.trials / f"{key}.npz"
        if not is_key(key) or not file.exists():
            return {}
        samples = self.read(key).spec.protocol.samples
        try:
            with open_regular(file, self.path) as opened:
                return read_arrays(opened, samples)
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise _unreadable(file, error) from None

    def weights(self, key: str) -> dict[str, Any]:
        """Return a trial's weights by name, as tensors; empty where it has none.

        Raises:
            CorruptFile: the file cannot be read back.
        """
        file = self.trials / f"{key}.safetensors"
        if not (is_key(key) or self.renamed) or not file.exists():
            return {}
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            with open_regular(file, self.path) as opened:
                if int.from_bytes(opened.read(8), "little") > HEADER:
                    raise Refused("has a list of tensors that is too long")
            return dict(load_file(file))  # mapped: what is not of the model's shapes is refused before it is read
        except (OSError, ValueError, SafetensorError) as error:
            raise _unreadable(file, error) from None

    def finished(self) -> list[str]:
        """Return the keys of all finished trials, also of those that the run's table no longer holds."""
        return sorted(file.stem for file in self.trials.glob("*.json"))

    def read_run(self) -> RunRecord:
        """Return the run's record.

        Raises:
            GenbenchError: there is no run here.
            CorruptFile: its file cannot be read back.
        """
        if not (self.path / "run.json").exists():
            near = (
                sorted(p.parent.name for p in self.path.parent.glob("*/run.json")) if self.path.parent.exists() else []
            )
            hint = f"runs beside it: {', '.join(near)}" if near else "start one with `genbench run`"
            raise GenbenchError(f"{self.path} is not a run (no run.json); {hint}")
        return self._read_json(self.path / "run.json", RunRecord, RUN)

    def write_run(self, record: RunRecord) -> None:
        """Write the run's record."""
        self._write_json(self.path / "run.json", record)

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file into the run's folder and return its path."""
        file = self.path / name
        if link_outside(file.parent, self.path):
            raise GenbenchError(f"{file.parent} is a link to a place outside of the run; remove it")
        write_whole(file, lambda out: out.write(text.encode(errors="replace")))
        return file

    def _write_json(self, file: Path, record: BaseModel) -> None:
        payload = strict_json(record.model_dump(mode="json", by_alias=True)) + "\n"
        write_whole(file, lambda out: out.write(payload.encode()))

    def _read_json(self, file: Path, schema: type[R], most: int) -> R:
        try:
            content = read_regular(file, self.path, most)
        except FileNotFoundError:
            raise CorruptFile(f"{file} is not there") from None
        except OSError as error:
            raise CorruptFile(f"{file} {error.strerror or error}") from None
        return parsed(file, content, schema)


def _packed(weights: Mapping[str, Any]) -> bytes:
    """Return tensors by name as the content of a file.

    Raises:
        ContractError: one is sparse, quantised or without values.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save

    for name, value in weights.items():
        kind = "has no values" if value.is_meta else "is quantised" if value.is_quantized else ""
        if kind := kind or ("is sparse" if value.layout != torch.strided else ""):
            raise ContractError(
                f"the buffer {name!r} {kind}, and no file of weights can hold it; keep it dense, or register it with "
                "persistent=False"
            )
    try:
        return bytes(save({name: value.contiguous().clone() for name, value in weights.items()}))  # tied ones, too
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        kinds = ", ".join(dict.fromkeys(str(value.dtype) for value in weights.values()))
        raise ContractError(f"weights of {kinds} cannot be stored: {type(error).__name__}: {error}") from None


def parsed(file: Path, content: bytes, schema: type[R]) -> R:
    """Return a record from the text of a file.

    Raises:
        CorruptFile: it is no JSON, or none of this schema.
        NewerSchema: a newer genbench wrote it.
    """
    try:
        found = from_json(content, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise CorruptFile(f"{file} is corrupt: it is not whole JSON") from None
    version = found.get("schema") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise NewerSchema(f"{file} was written by a newer genbench (schema {shown(str(version))}); upgrade genbench")
    if len(content) > SMALL and oversized(found):
        raise CorruptFile(f"{file} is corrupt: it has a text or a list of names that is too long")
    try:
        return schema.model_validate(found)
    except (ValidationError, RecursionError, TypeError, AttributeError, KeyError) as error:  # of readers of older forms
        at = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        reason = f"field {shown('.'.join(map(str, at)))} is wrong" if at else "it is not what it should be"
        raise CorruptFile(f"{file} is corrupt: {reason}") from None


def _unreadable(file: Path, error: BaseException) -> CorruptFile:
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return CorruptFile(f"{file} cannot be read ({shown(reason, 200)}); delete its trial's files and run again")
