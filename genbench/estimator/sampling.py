"""Samples of a trained model: drawn in batches, checked, shuffled, in the data's units."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from genbench.core.errors import BadSamples, GenbenchError, GenbenchWarning
from genbench.core.seeding import stream
from genbench.core.types import Array, Labels
from genbench.estimator.adapter import ModelAdapter
from genbench.estimator.network_calls import NetworkCalls
from genbench.estimator.order import shuffle

if TYPE_CHECKING:
    from genbench.contracts.torch_model import TorchModel

__all__ = ["SamplingModel"]

COUNTED = 32  # samples by which network evaluations are counted; by hand: a small part of what a trial draws
FEW = 20  # samples: fewer may well be equal in two batches where the data are discrete


class SamplingModel(ModelAdapter):
    """A trained model that draws samples."""

    def sample(self, n: int, seed: int = 0, labels: Any = None) -> Array:
        """Return `n` points [n, *shape] float64 in the data's own units, in random order.

        Each model has its own random stream. Otherwise all models that start from normal noise would use the same draw.

        Args:
            labels: the labels [n] of the points that a conditional model draws, or one for all. If not given, they are
                as frequent as in training.

        Raises:
            GenbenchError: the labels are wrong, or labels are given and the model is not conditional.
            BadSamples: the model returned another shape, or NaN or infinite values.
        """
        units = self._fitted()
        y = self.labels(labels, n, seed)
        with self._inside(stream(seed, "sampling", self.card.name)):
            parts = [
                self._numbers(self.model.sample(size, *self._of(y, at, size)), "sample") for at, size in self._draws(n)
            ]
        for part, (_, size) in zip(parts, self._draws(n), strict=True):
            if part.shape != (size, *units.mean.shape):
                raise BadSamples(
                    f"{self.card.name}.sample({size}) gave shape {part.shape}; it must be {(size, *units.mean.shape)}"
                )
        z = np.concatenate(parts) if parts else np.empty((0, *units.mean.shape))
        bad = int((~np.isfinite(z.reshape(len(z), units.mean.size)).all(axis=1)).sum())
        if bad:
            raise BadSamples(f"{bad} of {len(z)} samples of {self.card.name} are NaN or infinite")
        self._compare(parts)
        return units.inverse(z[shuffle(z, y, seed)])

    def _draws(self, n: int) -> list[tuple[int, int]]:
        """Return where each batch of n samples begins, and its size."""
        return [(0, n)] * (n > 0) if self.deals else self._batches(n)

    def _compare(self, batches: list[Array]) -> None:
        """Warn of a batch of samples that equals the one before it."""
        for k, (before, now) in enumerate(pairwise(batches), 2):
            if len(now) >= FEW and np.array_equal(before[: len(now)], now):
                warnings.warn(
                    f"{self.card.name}.sample drew batch {k} of {len(batches)} equal to the one before: it seeds "
                    "itself anew, or returns the same array, at each call",
                    GenbenchWarning,
                    stacklevel=3,
                )
                return

    def counted_calls(self) -> int | None:
        """Return the network evaluations for one sample of a torch model, by a small draw.

        None if they are unknown.

        It is a separate draw, so that hooks do not affect the draws that are timed and scored.
        """
        if not self.card.is_torch or self.standardiser is None:
            return None
        calls, seed = NetworkCalls(), stream(0, "calls")
        labels = self.labels(None, COUNTED, seed)
        try:
            with self._inside(seed), calls.counting(cast("TorchModel", self.model)):
                self.model.sample(COUNTED, *self._of(labels, 0, COUNTED))
        except Exception:  # a plugin may raise anything, and has drawn samples before
            return None
        return calls.evaluations(COUNTED)

    def labels(self, asked: Any, n: int, seed: int = 0) -> Labels | None:
        """Return the labels [n] with which `sample` draws for this seed.

        None for a model that draws without labels.

        Raises:
            GenbenchError: the labels are wrong, or labels are given and the model is not conditional.
        """
        self._fitted()
        if self.classes is not None:
            return self.classes.asked(asked, n, seed)
        if asked is not None:
            raise GenbenchError(f"{self!r} is not conditional and draws without labels; leave them out")
        return None
