"""The stored data of a run: its trials, its tidy frame, its leaderboard. It draws nothing."""

from __future__ import annotations

import copy
import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from genbench.analysis.environments import facts_of, origin
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.verdicts import Margin
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.types import Array
from genbench.storage.limits import is_key
from genbench.storage.records import TrialRecord
from genbench.storage.run_record import read_or_rebuilt
from genbench.storage.store import CorruptFile, NewerSchema, Store

if TYPE_CHECKING:
    import pandas as pd

    from genbench.statistics.intervals import Method

__all__ = ["RunData"]


class RunData:
    """The trials of a run, read from its folder.

    A corrupt trial file is named in `problems` and left out.

    Raises:
        GenbenchError: the folder holds no run.
    """

    def __init__(self, path: str | Path) -> None:
        self.store = Store(path)
        self.record, rebuilt = read_or_rebuilt(self.store)
        self.problems: list[str] = [rebuilt] if rebuilt else []
        self.whole = self
        self.dataset: str | None = None  # the only one of this part of the run; None for all
        self.models: tuple[str, ...] = ()  # those that were chosen of it
        self.coordinates: tuple[str, ...] = ()  # of samples, as well
        self.margin: str | Margin | None = None  # of all its tables and figures; None for each metric's own
        self._boards: dict[tuple[str | None, str, Margin | None], Leaderboard] = {}

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.store.path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.name

    @property
    def origin(self) -> str:
        """A sentence that names the code of the last training run."""
        return origin(self.trials, self.record.environment)

    @property
    def environments(self) -> dict[str, Counter[str]]:
        """The environment of the run: facts by name, with their values and numbers of trials."""
        return facts_of(self.trials, self.record.environment)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, {len(self.trials)} trials)"

    @cached_property
    def trials(self) -> list[TrialRecord]:
        """The finished trials of the run's table, in the order in which they were asked for."""
        records, here = [], set(self.store.finished())  # one look at the folder, whatever the number of keys
        with _uncollected():
            for key in dict.fromkeys(self.record.trials):
                if not is_key(key):
                    self.problems.append(f"{self.path / 'run.json'}: '{shown(key)}' is no name of a trial; left out")
                elif key in here:
                    try:
                        records.append(self.store.read(key))
                    except CorruptFile as error:
                        self.problems.append(f"{error}; run again to replace it")
                    except NewerSchema as error:
                        self.problems.append(str(error))
        return records

    def trial(self, key: str) -> TrialRecord:
        """Return one trial by its key.

        Raises:
            GenbenchError: the run has no such trial.
        """
        for record in self.trials:
            if record.key == key:
                return record
        raise GenbenchError(f"no trial '{key}' in {self.path}{nearest(key, self.record.trials)}")

    def only(
        self, dataset: str | None = None, models: Iterable[str] = (), coordinates: Iterable[str | int] = ()
    ) -> Self:
        """Return the part of this run about one dataset or some models, by their labels.

        Its leaderboard is a part of this run's, and its `whole` is this run. It includes the oracle.

        Args:
            dataset: label of the dataset; None for all.
            models: labels of the models; all unless given.
            coordinates: names, or numbers from 1 on, of the coordinates that some figures show.

        Raises:
            GenbenchError: the run has no such dataset or model.
        """
        chosen, its = tuple(dict.fromkeys(models)), tuple(map(str, coordinates)) or self.coordinates
        if dataset is None and not chosen and its == self.coordinates:
            return self
        trials = [trial for trial in self.trials if dataset in (None, trial.dataset)]
        if not trials:
            known = sorted({trial.dataset for trial in self.trials})
            raise GenbenchError(f"no dataset '{dataset}' in {self.path}{nearest(dataset or '', known)}")
        here = {trial.model for trial in trials}
        for model in chosen:
            if model not in here:
                raise GenbenchError(f"no model '{model}' in {self.path}{nearest(model, sorted(here))}")
        part = copy.copy(self)
        part.trials = [trial for trial in trials if not chosen or trial.model in chosen or trial.role == "oracle"]
        part.dataset, part.models, part.coordinates, part._boards = dataset, chosen, its, {}
        return part

    def samples(self, key: str) -> Array | None:
        """Return the samples [n, *shape] of a trial, or None.

        It is None if the trial failed before it had samples, or if they are damaged.
        """
        return self.arrays(key).get("samples")

    def arrays(self, key: str) -> dict[str, Array]:
        """Return the stored arrays of a trial, by name.

        For a damaged file it is {}, and `problems` names the file.
        """
        try:
            return self.store.arrays(key)
        except CorruptFile as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return {}

    def frame(self) -> pd.DataFrame:
        """Return a tidy frame: one row for each trial and metric, with value and standard error."""
        import pandas as pd

        facts = ("key", "model", "family", "dataset", "seed", "budget", "status", "likelihood")
        rows = [
            (*(vars(trial)[name] for name in facts), metric, value, trial.standard_errors.get(metric))
            for trial in self.trials
            for metric, value in trial.metrics.items()
        ]
        frame = pd.DataFrame(rows, columns=[*facts, "metric", "value", "standard_error"])
        return frame.astype({"value": float, "standard_error": float})

    def leaderboard(
        self, sort: str | None = None, intervals: Method = "auto", margin: str | Margin | None = None
    ) -> Leaderboard:
        """Return the leaderboard, sorted by a metric: `run.leaderboard("kl", margin="0.01")`.

        Args:
            intervals: see `mean_intervals`.
            margin: how much worse than the best still counts as good, see `Margin.parse`; by default that of the run.

        Raises:
            GenbenchError: the run has no such metric, or the margin cannot be read.
        """
        margin = self.margin if margin is None else margin
        asked = (sort, intervals, Margin.parse(margin) if isinstance(margin, str) else margin)
        if asked not in self._boards and self.whole is not self:
            board, here = self.whole.leaderboard(*asked), {(trial.dataset, trial.model) for trial in self.trials}
            rows = [row for row in board.rows if (row.dataset, row.model) in here]
            self._boards[asked] = replace(board, rows=rows)
        elif asked not in self._boards:
            with _uncollected():
                board = Leaderboard.of(self.trials, *asked, races=self.record.races)
                self._boards[asked] = replace(board, origin=self.origin, asked_metrics=self.record.asked_metrics)
        return self._boards[asked]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Turn the garbage collector off inside the block, where many objects are made and none is garbage."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
