"""Data files: where they are looked for, how they are fetched, how they are checked.

A file is looked for in the folders that the environment variable GENBENCH_DATA names, in the cache folder, and where a
package of the operating system installs it. Otherwise it is fetched from the first mirror that has it. It appears in
the cache folder only when it is complete and checked.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from genbench.core.errors import GenbenchError
from genbench.core.files import expanded

__all__ = ["DataFile", "DataFiles", "cache_folder", "use_data_dir"]

# Chosen by hand: patience with a slow mirror against a user who waits.
ROUNDS = 2  # times that all mirrors are tried; this and the seconds below are chosen by hand
PAUSE = 2.0  # seconds between two rounds
TIMEOUT = 30.0  # seconds without an answer

_first: ContextVar[Path | None] = ContextVar("first data folder", default=None)


def cache_folder() -> Path:
    """Return the folder into which files are fetched."""
    import pooch  # type: ignore[import-untyped]

    return Path(pooch.os_cache("genbench"))


@dataclass(frozen=True)
class DataFile:
    """A file of a dataset.

    Attributes:
        name: its name on the mirrors, packed: *.gz or *.tar.gz.
        parts: names of the files inside, in order; they are also accepted unpacked.
        sha256: checksum of the bytes of all parts together, which does not depend on the packing; "" if unknown.
        packed_sha256: checksum of the packed file, where `sha256` is unknown.
    """

    name: str
    parts: tuple[str, ...]
    sha256: str = ""
    packed_sha256: str = ""

    @property
    def checksum(self) -> str:
        """The checksum as text for messages."""
        return f"SHA-256 {self.sha256} (unpacked)" if self.sha256 else f"SHA-256 {self.packed_sha256}"

    def read(self, paths: list[Path]) -> list[bytes]:
        """Return the content of each part, from the packed file or from one file for each part.

        Raises:
            GenbenchError: a file cannot be read or unpacked, is cut short, or has another checksum.
        """
        packed = paths[0].name == self.name
        if packed and self.packed_sha256:
            with _readable(paths[0]), paths[0].open("rb") as stream:
                self._compare(hashlib.file_digest(stream, "sha256").hexdigest(), self.packed_sha256, paths[0])
        parts = self._unpack(paths[0]) if packed else [_bytes(path) for path in paths]
        if self.sha256:
            digest = hashlib.sha256()
            for part in parts:
                digest.update(part)
            self._compare(digest.hexdigest(), self.sha256, paths[0])
        return parts

    def _unpack(self, path: Path) -> list[bytes]:
        with _readable(path):
            if not self.name.endswith(".tar.gz"):
                return [gzip.decompress(path.read_bytes())]
            inside: dict[str, bytes] = {}
            with tarfile.open(path, "r:gz") as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.isfile() else None
                    if stream and Path(member.name).name in self.parts:
                        inside[Path(member.name).name] = stream.read()
            return [inside[part] for part in self.parts]

    @staticmethod
    def _compare(found: str, expected: str, path: Path) -> None:
        if found != expected:
            digests = f"SHA-256 {found[:12]}… in place of {expected[:12]}…"
            raise GenbenchError(f"{path}: wrong checksum, {digests}; delete it and fetch it anew")


@dataclass(frozen=True)
class DataFiles:
    """The files of one dataset.

    Attributes:
        name: the name of the dataset, and of its folder inside the cache.
        files: all of them.
        mirrors: addresses of folders with the files, each with a final slash; the first is tried first.
        licence: the licence of the data, if known.
        folders: other names of the folder, used by other libraries.
        installed: absolute paths of folders into which a package of the operating system puts the files.
    """

    name: str
    files: tuple[DataFile, ...]
    mirrors: tuple[str, ...]
    licence: str = "not stated"
    folders: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()

    @property
    def places(self) -> list[Path]:
        """The folders in which files are looked for, in order."""
        given = [expanded(part) for part in os.environ.get("GENBENCH_DATA", "").split(os.pathsep) if part]
        first = _first.get()
        roots = [*([first] if first else []), *given, cache_folder()]
        return [root / name for root in roots for name in (self.name, *self.folders)] + list(map(Path, self.installed))

    def find(self, file: DataFile) -> list[Path]:
        """Return the path of the packed file, or of all its parts; [] if none is found."""
        for place in self.places:
            for names in ((file.name,), file.parts):
                paths = [place / name for name in names]
                if all(path.is_file() for path in paths):
                    return paths
        return []

    def read(self, file: DataFile) -> list[bytes]:
        """Return the content of each part of a file. A file that is missing is fetched.

        Raises:
            GenbenchError: the file cannot be fetched, is damaged, or has another checksum.
        """
        return file.read(self.find(file) or [self.fetch(file)])

    def fetch(self, file: DataFile) -> Path:
        """Fetch a file into the cache folder, check it, and return its path.

        A file that is there already is replaced.

        Raises:
            GenbenchError: no mirror has the file, or the cache folder cannot be written.
        """
        target = cache_folder() / self.name / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as folder:
                return self._fetch(file, Path(folder) / file.name).replace(target)
        except OSError as error:
            elsewhere = f"put {file.name} into a folder {self.name} and set GENBENCH_DATA to the folder around it"
            reason = f"cannot write to {target.parent} ({error.strerror or error})"
            raise GenbenchError(f"{self.name}: {reason}; make room, or {elsewhere}") from None

    def _fetch(self, file: DataFile, path: Path) -> Path:
        """Fetch a file from the first mirror that gives it whole and right."""
        reasons: dict[str, str] = {}
        for attempt in range(ROUNDS):
            time.sleep(PAUSE * (attempt > 0))
            for mirror in self.mirrors:
                try:
                    _download(mirror + file.name, path)
                    file.read([path])
                except GenbenchError as error:
                    reasons[urlsplit(mirror).netloc] = str(error).removeprefix(f"{path}: ").partition(";")[0]
                else:
                    return path
        why = "; ".join(f"{host}: {reason}" for host, reason in reasons.items())
        raise GenbenchError(
            f"{self.name}: cannot fetch {file.name} ({why}); try again online, or put it into {self.places[0]}"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one line that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise GenbenchError(
            f"{path}: cannot be read, damaged or cut short ({error}); delete it and fetch it anew"
        ) from None
    except KeyError as error:
        raise GenbenchError(f"{path}: holds no {error.args[0]}; delete it and fetch it anew") from None


def _bytes(path: Path) -> bytes:
    with _readable(path):
        return path.read_bytes()


def _download(url: str, path: Path) -> None:
    """Write what an address gives to `path`, with a progress bar where there is a terminal or a notebook.

    Raises:
        GenbenchError: the address does not give it; the reason in a few words.
        OSError: the file cannot be written.
    """
    import pooch
    import requests
    from tqdm.auto import tqdm

    hidden = False if "ipykernel" in sys.modules else None  # None: where there is no terminal
    with tqdm(total=1, desc=path.name, unit="B", unit_scale=True, disable=hidden, leave=False) as bar:
        as_it_is = {"Accept-Encoding": "identity"}  # else a server may unpack it on the way
        download = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=TIMEOUT, headers=as_it_is)
        try:
            download(url, str(path), None)
        except requests.HTTPError as error:
            raise GenbenchError(f"HTTP {getattr(error.response, 'status_code', 'error')}") from None
        except requests.Timeout:
            raise GenbenchError("no answer in time") from None
        except requests.ConnectionError:
            raise GenbenchError("no connection") from None
        except requests.RequestException as error:
            raise GenbenchError(f"broke off ({type(error).__name__})") from None


@contextmanager
def use_data_dir(folder: str | Path | None) -> Iterator[None]:
    """Look for data files first in a folder, inside the block; None changes nothing.

    The folder comes before those of GENBENCH_DATA.

    Raises:
        GenbenchError: there is no such folder.
    """
    if folder is None:
        yield
        return
    path = expanded(folder).resolve()
    if not path.is_dir():
        raise GenbenchError(f"no data folder {path}; make it, or leave --data-dir out")
    before = _first.set(path)
    try:
        yield
    finally:
        _first.reset(before)
