"""The tables in a run's folder that were last written, and what they were made of.

If all trials of a large run are finished, they need not be read again: the tables and figures stay valid as long as
nothing changes on which they depend. `.published.json` has a digest of all that. The digest includes numbers and times
of files, so that a copied folder, or a file of somebody else, is never accepted. The file may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from genbench.core.code_fingerprint import code_state
from genbench.core.environment import version_of, versions
from genbench.core.files import write_whole
from genbench.core.plugin_loading import LOADED
from genbench.core.regular_files import Refused, read_regular
from genbench.display.table_view import BoardView
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from genbench.storage.summaries import Summaries

__all__ = ["Published", "state_of"]

FILE = ".published.json"
LARGEST = 2**26  # bytes; by hand: tables of a thousand rows have a million
DRAWING = ("matplotlib", "seaborn", "pandas")  # libraries that files depend on, beside those that compute


@dataclass(frozen=True)
class Published:
    """The tables that were shown and written at the end of a run.

    Attributes:
        state: see `state_of`.
        files: time in nanoseconds and size in bytes of each written file, by its path in the run's folder.
        view: the tables of the terminal.
    """

    state: str
    files: dict[str, tuple[int, int]]
    view: BoardView

    @classmethod
    def read(cls, store: Store, state: str) -> Published | None:
        """Return the published tables of a state, if all their files are unchanged."""
        if not state:
            return None
        try:
            found = ADAPTER.validate_json(read_regular(store.path / FILE, store.path, LARGEST))
            current = found.state == state and found.files == _stamps(store, map(Path, found.files))
        except (OSError, Refused, ValidationError, RecursionError):
            return None
        return found if current else None

    @classmethod
    def write(cls, store: Store, state: str, files: Iterable[Path], view: BoardView) -> None:
        """Store the published tables. If the folder cannot be written, nothing is stored."""
        with contextlib.suppress(OSError):
            names = [file.relative_to(store.path) for file in files]
            content = ADAPTER.dump_json(cls(state, _stamps(store, names), view), warnings=False)  # 2 is as good as 2.0
            write_whole(store.path / FILE, lambda out: out.write(content))


ADAPTER = TypeAdapter(Published)


def state_of(record: RunRecord, finished: Summaries, *asked: object) -> str:
    """Return a digest of all on which a run's tables and figures depend.

    It is "" if plugins are involved.

    Args:
        record: the record of the run.
        asked: the sorting of tables, the margin, and the figures to draw.
    """
    if LOADED:
        return ""
    known = record.model_dump(mode="json", exclude={"requests"}) | {"metrics": record.asked_metrics}
    libraries = versions() | {name: version_of(name) for name in DRAWING}
    stamps = [finished.stamp(key) for key in record.trials]
    facts = [known, stamps, code_state(), libraries, list(map(str, asked))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _stamps(store: Store, names: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Return the time and size of files; an OSError says that one is gone."""
    found = {name.as_posix(): (store.path / name).stat() for name in names}
    return {name: (facts.st_mtime_ns, facts.st_size) for name, facts in found.items()}
