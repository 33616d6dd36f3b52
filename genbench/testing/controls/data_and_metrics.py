"""Controls among datasets and metrics: two correct ones, and others with one fault each."""

from __future__ import annotations

from typing import Any

import numpy as np

from genbench.contracts.dataset import DatasetCard
from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import MetricCard
from genbench.core.types import Array, Labels
from genbench.testing.controls.catalogue import control, twin
from genbench.testing.truths import Blobs


def data(name: str, factory: Any) -> DatasetCard:
    """Return the card of a dataset."""
    return DatasetCard(name, "negative controls", factory)


def lower(name: str, factory: Any) -> MetricCard:
    """Return the card of a metric that is better when lower."""
    return MetricCard(name, "negative controls", factory)


def higher(name: str, factory: Any) -> MetricCard:
    """Return the card of a metric that is better when higher."""
    return MetricCard(name, "negative controls", factory, higher_is_better=True)


@twin(data)
class RightBlobs(Blobs):
    """Four round Gaussians: correct in all that is checked."""

    @property
    def entropy(self) -> float:
        """The entropy of a Gaussian, plus that of the choice among four that hardly overlap.

        Their overlap changes it by 10⁻⁴ nats.
        """
        return float(1 + np.log(2 * np.pi * self.mode_std**2) + np.log(4)) - OVERLAP


OVERLAP = 0.00056  # nats, by quadrature


@control(data, "sampler_follows_density", "integrates to")
class UnnormalisedData(RightBlobs):
    """The density is not divided by the number of modes, four."""

    def log_density(self, x: Array) -> Array:
        return super().log_density(x) + np.log(4)


@control(data, "sampler_follows_density", "of the draws")
class OtherWeights(RightBlobs):
    """The first mode is drawn twice as often as the density says."""

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        return super().draw(np.maximum(0.0, (5 * u - 1) / 4), rng)


@control(data, "entropy", "it says")
class WrongEntropy(RightBlobs):
    """The entropy leaves out the choice of the mode."""

    @property
    def entropy(self) -> float:
        return super().entropy - float(np.log(4))


@control(data, "seeds", "global generator")
class GlobalDraws(RightBlobs):
    """Draws from NumPy's global generator and ignores the seed."""

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        x, labels = super().draw(u, rng)
        return x + 1e-6 * np.random.standard_normal(x.shape), labels


@control(data, "reference", "otherwise than in draws")
class SortedPositions(RightBlobs):
    """The mode depends on the index of a point, not on its position u.

    So a stratified reference has only one mode.
    """

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        even = np.sort(u)
        stratified = len(u) > 1 and np.abs(np.diff(even) - 1 / len(u)).max() < 1.5 / len(u)
        return super().draw(u / 4 if stratified else u, rng)


@control(data, "modes", "from their mode")
class WideModes(RightBlobs):
    """States the variance of a mode instead of its standard deviation."""

    mode_std = 0.5

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        x, labels = super().draw(u, rng)
        assert labels is not None
        return self.modes[labels] + 0.5 * (x - self.modes[labels]), labels


@twin(lower)
def mean_gap(evidence: Evidence) -> float:
    """Distance between means and standard deviations of samples and test points: correct."""
    x, y = evidence.samples, evidence.test
    return float(np.abs(x.mean(axis=0) - y.mean(axis=0)).sum() + np.abs(x.std(axis=0) - y.std(axis=0)).sum())


@control(higher, "knows_better_from_worse", "none is scored worse")
def wrong_direction(evidence: Evidence) -> float:
    """The same, but registered as better when higher."""
    return mean_gap(evidence)


@control(lower, "repeats", "the same evidence gave")
def unseeded_projection(evidence: Evidence) -> float:
    """Projects on a direction from a generator that is not seeded."""
    along = np.random.default_rng().standard_normal(evidence.samples.shape[1])
    return float(abs((evidence.samples @ along).mean() - (evidence.test @ along).mean()))


@control(lower, "leaves_evidence_alone", "it changed samples")
def sorts_in_place(evidence: Evidence) -> float:
    """Sorts in place the samples that all metrics use."""
    evidence.samples.sort(axis=0)
    return mean_gap(evidence)


@control(lower, "minds_no_order", "for the same points in another order")
def pairs_by_place(evidence: Evidence) -> float:
    """Distance between the k-th sample and the k-th test point."""
    n = min(len(evidence.samples), len(evidence.test))
    return float(np.abs(evidence.samples[:n] - evidence.test[:n]).mean())


@control(lower, "runs", "it returned")
def array_of_gaps(evidence: Evidence) -> Any:
    """Returns a number for each coordinate."""
    return np.abs(evidence.samples.mean(axis=0) - evidence.test.mean(axis=0))
