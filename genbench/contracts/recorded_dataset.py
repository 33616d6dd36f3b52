"""The contract of real data: a fixed set of points, split at random for each data seed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Dataset, Sizes, Splits
from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.core.seeding import generator
from genbench.core.types import Array, Labels
from genbench.numerics.repeats import find_repeats, split_together

__all__ = ["RecordedDataset"]

MANY = 0.1  # share of rows that have copies from which on scores suffer, by hand: neighbours are copies then


class RecordedDataset(Dataset):
    """Real data: a fixed set of points, split at random for each data seed.

    The parts are 60 % train, 20 % validation and 20 % test.

    A subclass defines `load`. The truth is unknown; held-out points take its place.
    """

    def load(self, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        """Return all points [n, *shape] and labels [n] or None.

        `rng` is for dequantisation noise.
        """
        raise NotImplementedError

    def recorded(self) -> NDArray[Any] | None:
        """Return the points without added noise [n, *shape], in the order of `load`.

        None if `load` adds no noise.
        """
        return None

    def splits(self, seed: int, sizes: Sizes = Sizes()) -> Splits:
        """Return a random partition of the points; recorded data ignore `sizes`.

        Points that are recorded more than once are in the same part, unless values recur naturally, as on a coarse
        grid. `genbench.numerics.repeats.find_repeats` distinguishes the two. A warning is given where it cannot, and
        where more than a tenth of the points have copies.

        Raises:
            GenbenchError: the data hold NaN or infinite values, or fewer than 10 points.
        """
        (x, y), (train, validation, test) = self.partition(seed)
        if y is None:
            return Splits(x[train], x[validation], x[test])
        return Splits(x[train], x[validation], x[test], y[train], y[validation], y[test])

    def partition(self, seed: int) -> tuple[tuple[Array, Labels | None], list[NDArray[np.int64]]]:
        """Return all points and labels, and the indices of train, validation and test points."""
        rng = generator(seed, "splits")
        x, y = self.load(rng)
        if not np.isfinite(x).all():
            bad = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
            raise GenbenchError(
                f"{self.card.name}: {bad} of {len(x)} rows hold NaN or infinite values; drop or impute them"
            )
        if len(x) < 10:
            raise GenbenchError(f"{self.card.name}: {len(x)} points are too few to split; give at least 10")
        recorded = self.recorded()
        repeats = find_repeats(x if recorded is None else recorded)
        if repeats.kind == "unclear" or (repeats.kind == "copies" and repeats.share > MANY):
            kept = "are kept in one split" if repeats.kind == "copies" else "are in train and test"
            warnings.warn(
                f"{self.card.name}: {repeats.share:.0%} of the rows equal another ({repeats.distinct} of {len(x)} "
                f"differ), and equal ones {kept}; remove copies",
                GenbenchWarning,
                stacklevel=2,
            )
        test, validation, train = split_together(rng.permutation(len(x)), repeats.groups, len(x) // 5)
        return (x, y), [train, validation, test]

    def reference(self, n: int, seed: int) -> Array:
        """Return up to `n` points of the test split of `seed`."""
        return self.splits(seed).test[:n]
