"""The evidence that metrics may use, and its amount."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, stream
from genbench.core.types import Array

__all__ = ["FEW_DIMENSIONS", "Evidence", "Protocol", "TaskEvidence"]

FEW_DIMENSIONS = 64  # by hand: with more, a search for neighbours among 10,000 points takes minutes
MOST = 10**7  # points, by hand: of the plane they are 160 MB
MOST_SEARCHED = 10_000  # as many as a synthetic dataset has test points: of 40,000 in 10 dimensions it takes as long

T = TypeVar("T")


@dataclass(frozen=True)
class Protocol:
    """The amount of evidence for each model, the same for all.

    Attributes:
        samples: points drawn from a model, and as many of the stratified reference.
        sets: number of disjoint sets of samples over which costly distances are averaged.
        set_size: points in each of these sets.
        projections: number of directions of the sliced distance.
        train: number of training points of a synthetic dataset.
        densities: number of samples, from the first on, whose density under the model itself is computed.
        tested: number of test points, from the first on, whose density under the model is computed.
        searched: number of samples, and of test points, among which neighbours are searched in more than 64 dimensions.
            In fewer dimensions it is 10,000.
    """

    samples: int = 50_000
    sets: int = 4
    set_size: int = 1_500
    projections: int = 100
    train: int = 20_000
    densities: int = 2_500
    searched: int = 2_500
    tested: int = 10_000

    def asked(self, **numbers: int | None) -> Protocol:
        """Return the protocol with a user's numbers in place; None keeps what is here.

        Raises:
            GenbenchError: a number is less than 2, or too large for any memory.
        """
        for name, number in numbers.items():
            if number is not None and number < 2:
                raise GenbenchError(f"{name}={number} is too few; ask for at least 2")
            if number is not None and number > MOST:
                raise GenbenchError(f"{name} is more than {MOST:,}; ask for fewer")
        return replace(self, **{name: number for name, number in numbers.items() if number is not None})


@dataclass
class TaskEvidence:
    """The evidence of a task whose metrics need more than samples and densities.

    The task subclasses it with its arrays.

    The evaluation `seed` is the same for all models.
    """

    dataset: Dataset
    seed: int

    @property
    def has(self) -> frozenset[str]:
        """The needs of metrics that this evidence meets."""
        return frozenset()

    def rng(self, metric: str) -> np.random.Generator:
        """Return the random generator of a metric, the same for all models."""
        return generator(self.seed, metric)


@dataclass
class Evidence:
    """The evidence that a metric may use.

    Points are [n, d] float64 in the data's own units, flattened.

    Attributes:
        samples: draws from the model [n, d].
        test: points of the test split [m, d].
        model_log_prob: the model's log-density in nats at the first few points of `test`, or at all, or None.
        seed: the evaluation seed, the same for all models.
        train: points of the training split [k, d], or None if they are unavailable.
        samples_model_log_prob: the model's log-density in nats at the first few samples, or None.
        likelihood: the kind of the model's log-densities: "exact", "estimate" or "bound".
        model_score: ∇ log p of the model itself at the first few points of `test` [m, d], or None.
        shares: the result of `region_shares` for the model's own samples and density [regions, 3], or None.
        results: results that several metrics share, see `once`.
    """

    dataset: Dataset
    samples: Array
    test: Array
    model_log_prob: Array | None
    seed: int
    protocol: Protocol = field(default_factory=Protocol)
    train: Array | None = None
    samples_model_log_prob: Array | None = None
    likelihood: str = "exact"
    model_score: Array | None = None
    shares: Array | None = None
    results: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def has(self) -> frozenset[str]:
        """The needs of metrics that this evidence meets."""
        facts = {
            "density": self.model_log_prob is not None,
            "score": self.model_score is not None,
            "truth": isinstance(self.dataset, SyntheticDataset),
            "true_density": self.dataset.has_density,
            "true_score": isinstance(self.dataset, SyntheticDataset) and self.dataset.has_score,
            "modes": self.dataset.modes is not None and self.dataset.mode_std is not None,
            "train": self.train is not None,
            "labels": self.dataset.classes is not None and self.dataset.kind == "image",
            "levels": self.dataset.levels is not None,
            "pictures": len(self.dataset.shape) == 3,
            "shares": self.shares is not None,
        }
        return frozenset(name for name, true in facts.items() if true)

    @cached_property
    def reference(self) -> Array:
        """As many points of the truth as there are samples [n, d].

        They are stratified, or the test split of real data.
        """
        return self._reference(len(self.samples), "large")

    @cached_property
    def sets(self) -> list[tuple[Array, Array]]:
        """Pairs of disjoint sample sets and independent reference sets, [set_size, d] each.

        Real data have one pair.
        """
        pairs = []
        for k in range(self.protocol.sets):
            points = self.samples[k * self.protocol.set_size : (k + 1) * self.protocol.set_size]
            if len(points) < self.protocol.set_size and k > 0:
                break
            pairs.append((points, self._reference(len(points), "set", k)))
        return pairs

    @property
    def searched(self) -> int:
        """The number of samples that a metric compares with all others.

        In high dimensions it is a part of the samples, see `Protocol`.
        """
        few = self.samples.shape[1] <= FEW_DIMENSIONS
        return min(len(self.samples), MOST_SEARCHED if few else self.protocol.searched)

    @cached_property
    def true_log_prob(self) -> Array:
        """The true log-density in nats at points of `test`.

        They are the points at which the density under the model is known, or all.
        """
        return self._truth(self.test if self.model_log_prob is None else self.test[: len(self.model_log_prob)])

    @cached_property
    def samples_true_log_prob(self) -> Array:
        """The true log-density of `samples` in nats [n]."""
        return self._truth(self.samples)

    def once(self, name: str, compute: Callable[[], T]) -> T:
        """Return the result of `compute`, computed once for all metrics that use this name."""
        if name not in self.results:
            self.results[name] = compute()
        result: T = self.results[name]
        return result

    def rng(self, metric: str) -> np.random.Generator:
        """Return the random generator of a metric, the same for all models."""
        return generator(self.seed, metric)

    def _reference(self, n: int, *names: str | int) -> Array:
        """Return points of the truth [n, d], on a stream of their own; of real data, the first of the test split."""
        if not isinstance(self.dataset, SyntheticDataset):
            return self.test[:n]
        return _flat(self.dataset.reference(n, stream(self.seed, *names)))

    def _truth(self, x: Array) -> Array:
        assert isinstance(self.dataset, SyntheticDataset)
        return self.dataset.log_prob(x.reshape(-1, *self.dataset.shape))


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)
