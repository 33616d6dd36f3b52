"""Precision and recall by nearest-neighbour manifolds (Kynkäänniemi et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.metrics.neighbours import ball_counts, radii

__all__ = ["K", "Manifolds", "manifolds", "manifolds_of", "precision", "recall"]

K = 5  # neighbours: the ball around a point reaches to its K-th nearest of the same set (as in Naeem et al. 2020)


@dataclass(frozen=True)
class Manifolds:
    """How many of m samples the balls around m test points contain, and the reverse."""

    samples_per_test_ball: NDArray[np.int64]  # samples in the ball around each test point [m]
    test_balls_per_sample: NDArray[np.int64]  # balls around test points that hold each sample [m]
    sample_balls_per_test: NDArray[np.int64]  # balls around samples that hold each test point [m]


@register_metric("precision", family="fidelity and coverage", higher_is_better=True, order=110, costly=True)
def precision(evidence: Evidence) -> Score:
    """Share of samples that lie in the ball around a test point.

    See Kynkäänniemi et al. (2019, eq. 1 and 2). The standard error is that of the samples, for fixed test points.
    """
    return Score.mean((manifolds(evidence).test_balls_per_sample > 0).astype(np.float64))


@register_metric("recall", family="fidelity and coverage", higher_is_better=True, order=120, costly=True)
def recall(evidence: Evidence) -> Score:
    """Share of test points that lie in the ball around a sample.

    See Kynkäänniemi et al. (2019, eq. 1 and 2). The standard error is that of the test points, for fixed samples.
    """
    return Score.mean((manifolds(evidence).sample_balls_per_test > 0).astype(np.float64))


def manifolds(evidence: Evidence) -> Manifolds:
    """Return the balls' counts for the first m samples and m test points.

    m is as large as both and the protocol allow.

    Raises:
        GenbenchError: m is K or less.
    """
    m = evidence.searched
    return evidence.once("manifolds", lambda: manifolds_of(evidence.samples[:m], evidence.test[:m]))


def manifolds_of(x: Array, y: Array) -> Manifolds:
    """Return the balls' counts for samples x [n, d] and test points y [m, d].

    Of the larger set, only as many points are used as the smaller one has.

    Raises:
        GenbenchError: there are K points or fewer.
    """
    m = min(len(x), len(y))
    if m <= K:
        raise GenbenchError(f"{m} points have no {K}-th neighbour; give at least {K + 1} samples and test points")
    x, y = x[:m], y[:m]
    samples_per_test_ball, test_balls_per_sample = ball_counts(x, y, radii(y, K))
    _, sample_balls_per_test = ball_counts(y, x, radii(x, K))
    return Manifolds(samples_per_test_ball, test_balls_per_sample, sample_balls_per_test)
