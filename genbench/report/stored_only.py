"""A run whose figures are drawn only if their samples are on disk."""

from __future__ import annotations

import copy

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.storage.store import Store

__all__ = ["NotStored", "stored_only"]


class NotStored(GenbenchError):
    """Samples of a trial that succeeded are not on disk.

    A repository may have only the records.
    """


class _StoredOnly(Store):
    """A store that distinguishes missing samples from those of a failed trial."""

    def __init__(self, store: Store, fine: frozenset[str]) -> None:
        super().__init__(store.path)
        self.trials, self.fine = store.trials, fine

    def arrays(self, key: str) -> dict[str, Array]:
        """Return what `Store.arrays` does.

        Raises:
            NotStored: the trial succeeded, and its file is gone.
            CorruptFile: the file cannot be read back.
        """
        if key in self.fine and not (self.trials / f"{key}.npz").exists():
            raise NotStored("the samples of this run are not on disk")
        return super().arrays(key)


def stored_only(run: RunData) -> RunData:
    """Return the run with a store that raises `NotStored` for missing samples.

    The trials of these samples have succeeded.
    """
    mine = copy.copy(run)
    mine.whole = mine
    mine.store = _StoredOnly(run.store, frozenset(trial.key for trial in run.trials if trial.status == "ok"))
    return mine
