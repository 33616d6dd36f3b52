"""Files of code that the user trusts, identified by their content.

The files that they import count too; the folders do not.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.machinery
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genbench.core.errors import GenbenchError, shown
from genbench.core.files import write_whole
from genbench.core.plugin_code import imported_files
from genbench.core.regular_files import read_regular
from genbench.core.strict_json import strict_json

__all__ = ["Trusted", "distrust", "shown_path", "trust", "trust_in", "trusted", "trusted_file"]

SOURCE = 2**22  # bytes of a source file; by hand: a hundred times the longest of ours
LIST = 2**22  # bytes of the list: 10,000 files
COMPILED = (".pyc", *importlib.machinery.EXTENSION_SUFFIXES)  # what Python would import in the place of a source file


@dataclass(frozen=True)
class Trusted:
    """Code that the user trusts.

    Attributes:
        digest: SHA-256 of the file and of the files that it imports, with their names.
        main: SHA-256 of the file alone.
        file: its path when it was trusted.
        since: the day on which it was trusted.
    """

    digest: str
    main: str
    file: str
    since: str


def trusted_file() -> Path:
    """Return the path of the list, in the user's configuration folder."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or os.path.expanduser("~/.config")
    return Path(base) / "genbench" / "trusted.json"


def trusted() -> list[Trusted]:
    """Return what the user trusts, the oldest first.

    Raises:
        GenbenchError: the list cannot be read.
    """
    import json

    file = trusted_file()
    if not file.exists():
        return []
    try:
        entries = json.loads(read_regular(file, most=LIST))
        return [Trusted(**{name: str(entry[name]) for name in Trusted.__annotations__}) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise GenbenchError(f"cannot read {file}: {shown(str(error))}; remove it and trust your files again") from None


def trust(file: Path) -> Trusted:
    """Add a file, and the files that it imports, to the list of trusted code.

    Raises:
        GenbenchError: it is not a readable Python file, or compiled code is beside it.
    """
    file = file.expanduser().absolute()
    if file.suffix != ".py":
        raise GenbenchError(f"{shown_path(file)} is no Python file; give one, or a run's folder")
    found = Trusted(*_digests(file), str(file), datetime.date.today().isoformat())
    _write([*(one for one in trusted() if one.digest != found.digest), found])
    return found


def distrust(which: str) -> list[Trusted]:
    """Remove trusted code by its file or the beginning of its digest, and return it.

    Raises:
        GenbenchError: nothing of that name is trusted.
    """
    known, path = trusted(), str(Path(which).expanduser().absolute())
    gone = [one for one in known if one.file == path or (len(which) > 5 and one.digest.startswith(which))]
    if not gone:
        raise GenbenchError(f"nothing is trusted as '{shown(which)}'; `genbench trust --list` shows files and digests")
    _write([one for one in known if one not in gone])
    return gone


def trust_in(file: Path) -> Trusted | None:
    """Return the entry by which a file is trusted in its present form, or None.

    It is also None if the file cannot be read.
    """
    try:
        known = trusted()
        mains = {one.main for one in known}
        if not mains or _sha(read_regular(file, most=SOURCE)) not in mains:
            return None  # and what it imports is not looked at
        digest, _ = _digests(file)
    except (OSError, GenbenchError):
        return None
    return next((one for one in known if one.digest == digest), None)


def shown_path(path: Path) -> str:
    """Return a path on one line, without control characters."""
    return shown(str(path), 500)


def _digests(file: Path) -> tuple[str, str]:
    """Return the digest of a file with those that it imports, and that of the file alone.

    Raises:
        GenbenchError: one of them cannot be read, or compiled code lies beside one.
    """
    try:
        main = read_regular(file, most=SOURCE)
        imported = imported_files(file)
        whole = hashlib.sha256()
        for each in (file, *imported):
            content = main if each == file else read_regular(each, most=SOURCE)
            name = os.path.relpath(each, file.parent) if each != file else ""
            whole.update(f"{len(name)} {name} {len(content)} ".encode(errors="surrogateescape") + content)
        for folder in {each.parent for each in (file, *imported)}:
            if compiled := sorted(name for name in os.listdir(folder) if name.endswith(COMPILED)):
                what = shown_path(folder / compiled[0])
                raise GenbenchError(f"{what} is compiled code that {file.name} may import; no digest covers it")
    except OSError as error:
        raise GenbenchError(f"cannot read {shown_path(file)}: {error.strerror or error}; give a Python file") from None
    except (RecursionError, MemoryError):
        raise GenbenchError(f"{shown_path(file)} cannot be parsed as Python; give another file") from None
    return whole.hexdigest(), _sha(main)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(entries: list[Trusted]) -> None:
    plain: list[dict[str, Any]] = [asdict(one) for one in entries]
    try:
        write_whole(trusted_file(), lambda out: out.write((strict_json(plain) + "\n").encode(errors="surrogatepass")))
    except OSError as error:
        raise GenbenchError(f"cannot write {trusted_file()}: {error.strerror or error}") from None
