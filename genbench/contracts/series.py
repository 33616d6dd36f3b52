"""The contract of series: datasets whose points are windows of a process in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genbench.contracts.dataset import Dataset, Sizes, Splits, SyntheticDataset
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator
from genbench.core.types import Array
from genbench.numerics.grid import dequantise
from genbench.numerics.mixture import Mixture

__all__ = ["RecordedSeries", "SeriesDataset", "SyntheticSeries", "Timeline", "stretches", "windows"]

HELD_OUT, BEFORE = 500, 100  # by hand: steps of a synthetic series that are forecast, and that are shown before them


class Timeline(NamedTuple):
    """A part of a process: values [n] in order of time, and the start of the held-out end."""

    values: Array
    start: int


def windows(series: Array, length: int) -> Array:
    """Return all windows [n − length + 1, length] of a series [n].

    Each window begins one step after the one before it.
    """
    return np.lib.stride_tricks.sliding_window_view(series, length).copy()


def stretches(x: Array) -> list[Array]:
    """Return the stretches of time [m, n] that windows x [k, length] cover.

    Each value appears once.

    Windows that overlap, each one step after the other, are joined to the stretch [1, n] from which they were cut,
    because in overlapping windows its middle would count more often than its ends. Other windows are returned
    unchanged.
    """
    follows = (x[1:, :-1] == x[:-1, 1:]).all(axis=1) if x.shape[1] > 1 else np.zeros(len(x) - 1, dtype=bool)
    if not follows.any():
        return [x]
    runs = np.split(x, np.flatnonzero(~follows) + 1)
    return [np.concatenate([run[0], run[1:, -1]])[None] for run in runs]


class SeriesDataset(Dataset):
    """The methods that series add to the contract of a dataset.

    Points are windows of `length` steps, whose last value is forecast from the others.
    """

    length: int

    @property
    def series(self) -> Array:
        """A whole series [n]: the recorded one, or one of a synthetic process."""
        raise NotImplementedError

    def timeline(self, seed: int) -> Timeline:
        """Return the part of the series that is forecast for a data seed.

        Its end was in no training or validation window.
        """
        raise NotImplementedError


class RecordedSeries(SeriesDataset, RecordedDataset):
    """A recorded series of equal time steps, split in time.

    The first 60 % are for training, the next 20 % for validation, the last 20 % for testing.

    Each window lies completely in its part, so that no value is in two parts. A subclass defines `record`. Every seed
    has the same split, and its own noise.

    Args:
        dequantise: add uniform noise of one step of the series' grid, so that counts have a density. It is added once
            to the series, not to each window.
        log: take logarithms after that.

    Raises:
        ValueError: a window does not fit into the held-out fifth.
    """

    dequantise: bool
    log: bool

    def __init__(self, length: int, dequantise: bool = True, log: bool = False) -> None:
        self.length, self.dequantise, self.log = length, dequantise, log
        self.shape = (length,)
        if length < 2:
            raise ValueError(f"length={length} must be at least 2: the past and the value after it")

    def record(self) -> Array:
        """Return the recorded values [n]."""
        raise NotImplementedError

    @property
    def series(self) -> Array:
        """The values [n] without noise, or their logarithms with `log`."""
        return np.log(self.record()) if self.log else self.record()

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return the windows of the three parts in order of time; `sizes` has no effect.

        Raises:
            GenbenchError: a part is shorter than a window.
        """
        values = self._values(seed)
        held_out = len(values) // 5
        if self.length >= held_out:
            raise GenbenchError(
                f"{self.card.name}: windows of length={self.length} do not fit into the held-out {held_out} of "
                f"{len(values)} steps; give a smaller length"
            )
        parts = np.split(values, [len(values) - 2 * held_out, len(values) - held_out])
        train, validation, test = (windows(part, self.length) for part in parts)
        return Splits(train, validation, test)

    def timeline(self, seed: int) -> Timeline:
        values = self._values(seed)
        return Timeline(values, len(values) - len(values) // 5)

    def _values(self, seed: int) -> Array:
        """Return the series [n] of a data seed, which differ by the noise of dequantisation."""
        values, rng = self.record(), generator(seed, "splits")
        if self.dequantise:
            values = dequantise(values[:, None], rng)[:, 0]
        return np.log(values) if self.log else values


class SyntheticSeries(SeriesDataset, SyntheticDataset):
    """A stationary process whose windows have a known density.

    A subclass also defines `path` and `forecast`.
    """

    def path(self, n: int, rng: np.random.Generator) -> Array:
        """Return one stretch of the process [n]."""
        raise NotImplementedError

    def forecast(self, x: Array) -> Mixture:
        """Return the true distribution of the value after each history x [n, k]."""
        raise NotImplementedError

    @property
    def series(self) -> Array:
        """One stretch of the process of 1,000 steps, always the same."""
        return self.path(1000, generator(0, "series"))

    def timeline(self, seed: int) -> Timeline:
        """Return a stretch that is not used for training; its last 500 steps are forecast."""
        before = max(BEFORE, self.length)
        return Timeline(self.path(before + HELD_OUT, generator(seed, "timeline")), before)
