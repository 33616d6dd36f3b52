"""The files of a user that a trial needs, to send them to another machine.

That machine may not have access to the disk with these files.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genbench.core.errors import GenbenchError
from genbench.core.plugin_loading import LOADED
from genbench.storage.records import TrialSpec

__all__ = ["Luggage"]

MOST = 2**28  # bytes that are sent with trials; by hand: seconds of a network, and a worker's memory holds it
FILES = "files"  # the folder of them inside the one where they are unpacked


@dataclass(frozen=True)
class Luggage:
    """Files by their absolute paths, and the folders in which Python looks for imports.

    Unpacked below a folder, they have the same places as below the root, so that relative paths stay valid. Digests of
    code do not change, because they depend on names and not on folders.
    """

    files: dict[str, bytes]
    imported_from: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: TrialSpec) -> Luggage:
        """Return the files that a trial needs.

        They are the plugins that it names, the files that these import and read on import, and its data.

        Raises:
            GenbenchError: the files are too large to be sent, or missing.
        """
        plugins = [LOADED[source] for source in spec.plugins if source in LOADED and source.endswith(".py")]
        paths = [Path(name) for plugin in plugins for name in (*plugin.code, *plugin.data)]
        code = {Path(name) for plugin in plugins for name in plugin.code}
        roots = [entry for entry in map(_absolute, sys.path) if any(file.is_relative_to(entry) for file in code)]
        return cls(_read([*paths, *_data(spec)]), tuple(map(str, dict.fromkeys(roots))))

    @property
    def digest(self) -> str:
        """A digest of the files."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\n{len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()[:16]

    def unpack(self, folder: Path) -> Path | None:
        """Write the files below a folder, and return the folder that replaces the root.

        Returns:
            None if all files are in their places already, as on a shared disk. They are used there,
            with the other files around them.
        """
        if all(_holds(Path(name), content) for name, content in self.files.items()):
            return None
        root = folder / FILES
        for name, content in self.files.items():
            file = moved(name, root)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return root

    def placed(self, spec: TrialSpec, root: Path | None) -> TrialSpec:
        """Return a trial with the paths of its unpacked files; its key does not change."""
        if root is None:
            return spec
        plugins = tuple(str(moved(name, root)) if name in self.files else name for name in spec.plugins)
        found = spec.model_copy(update={"plugins": plugins})
        path = spec.dataset_params.get("path")
        return found.at(str(moved(path, root))) if isinstance(path, str) and _data(spec, self.files) else found


def moved(name: str, root: Path) -> Path:
    """Return where an absolute path is below another root."""
    return root / Path(name).relative_to(Path(name).anchor)


def _data(spec: TrialSpec, known: Iterable[str] = ()) -> list[Path]:
    """Return the files of a trial's data, where the engine knows them by a checksum, and not by their place."""
    path = spec.dataset_params.get("path")
    if not spec.data_fingerprint or not isinstance(path, str):
        return []
    given = Path(path)
    if known:
        return [Path(name) for name in known if Path(name).is_relative_to(given)]
    return [given] if given.is_file() else sorted(file for file in given.rglob("*") if file.is_file())


def _read(paths: Iterable[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MOST
    for file in dict.fromkeys(map(_absolute, paths)):
        try:
            left -= file.stat().st_size
            if left < 0:
                raise GenbenchError(
                    f"{file}: with the other files of its trials it has more than {MOST // 2**20} MB, too much to be "
                    "sent to each worker; register a dataset that reads it from a disk which all workers see"
                )
            found[str(file)] = file.read_bytes()
        except OSError as error:
            raise GenbenchError(f"{file} cannot be read: {error.strerror or error}; trials need it") from None
    return found


def _holds(file: Path, content: bytes) -> bool:
    try:
        return file.stat().st_size == len(content) and file.read_bytes() == content
    except OSError:
        return False


def _absolute(path: str | Path) -> Path:
    return Path(path or ".").absolute()
