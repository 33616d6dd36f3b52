"""The evidence of each task whose metrics need more than samples and densities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import TaskEvidence
from genbench.core.types import Array, Labels
from genbench.numerics.line_conditionals import LineConditionals
from genbench.numerics.mixture import Mixture

__all__ = ["Forecasts", "Gap", "Gaps", "Mask", "Paths", "Predictions", "Validation"]


@dataclass
class Forecasts(TaskEvidence):
    """One-step-ahead forecasts of the held-out end of a series.

    Attributes:
        observed: the true values [m], in the data's units.
        predicted: the predicted distributions, each given the true values before it.
    """

    observed: Array
    predicted: Mixture


@dataclass
class Predictions(TaskEvidence):
    """The evidence for the metrics of `classify`.

    Attributes:
        log_proba: log p(y | x) in nats of each test point and class [m, k]; the probabilities of a row sum to 1.
        labels: the true classes [m].
    """

    log_proba: Array = field(default_factory=lambda: np.empty((0, 0)))
    labels: Labels = field(default_factory=lambda: np.empty(0, dtype=np.int64))


Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gap:
    """Test points with the same coordinates missing, and draws of these coordinates.

    Attributes:
        known: which coordinates are given, [d], points flattened.
        points: the test points, [m, d]; their missing coordinates are the held-out truth.
        draws: draws of the missing coordinates, [m, n, missing].
        exact: the true conditional distributions, where they are known.
    """

    known: Mask
    points: Array
    draws: Array
    exact: LineConditionals | None = None


@dataclass
class Gaps(TaskEvidence):
    """The evidence for the metrics of `impute`: gaps of one or more kinds.

    They are in the units in which points are compared.
    """

    gaps: list[Gap] = field(default_factory=list)

    @property
    def has(self) -> frozenset[str]:
        """Whether the true conditional distributions are known."""
        return frozenset({"truth"} if all(gap.exact is not None for gap in self.gaps) else set())


@dataclass
class Paths(TaskEvidence):
    """The evidence for the metrics of `interpolate`. Points are flattened.

    Attributes:
        latent: paths through the model's latent space, [pairs, steps, d], ends included; an odd number of steps.
        straight: straight paths between the same points, [pairs, steps, d].
        truth: test points [n, d].
        encoded: whether the ends are points of the data, not the model's own samples.
    """

    latent: Array = field(default_factory=lambda: np.empty((0, 0, 0)))
    straight: Array = field(default_factory=lambda: np.empty((0, 0, 0)))
    truth: Array = field(default_factory=lambda: np.empty((0, 0)))
    encoded: bool = True

    @property
    def has(self) -> frozenset[str]:
        """Whether the true density is known, and whether the ends are codes of data."""
        facts = {"true_density": self.dataset.has_density, "codes": self.encoded}
        return frozenset(name for name, true in facts.items() if true)


@dataclass
class Validation(TaskEvidence):
    """The evidence for the metrics of `validate`: held-out points that are not test points.

    Points are flattened.

    Attributes:
        observed: validation points [m, d], in standard deviations of the training points.
        log_prob: the model's log-density at each of them in nats [m], in the data's own units, or None.
        samples: draws from a model without a density [m, d], in the units of `observed`, or None.
    """

    observed: Array = field(default_factory=lambda: np.empty((0, 0)))
    log_prob: Array | None = None
    samples: Array | None = None

    @property
    def has(self) -> frozenset[str]:
        """Whether there are densities, and samples."""
        facts = {"density": self.log_prob is not None, "samples": self.samples is not None}
        return frozenset(name for name, true in facts.items() if true)
