"""Whether samples are closer to the training points than to held-out points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.neighbours import nearest

__all__ = ["Hits", "copies", "memorisation"]

SAMPLES = 10_000  # at most; chosen by hand: a smaller standard error against the time of the search
COPY = 1e-6  # of the data's standard deviation: samples are stored in float32, so that a copy is not exact


@register_metric("memorisation", family="memorisation", needs=("train",), order=170, ratio=False, costly=True)
def memorisation(evidence: Evidence) -> Score:
    """How much more often a sample's nearest point is a training point than a test point.

    A half is ideal. It is a / (a + b), where a is the number of nearest neighbours per training point and b the number
    per test point. It is 0.5 for samples that depend on neither, 1 for resampled training points, and 0 for resampled
    test points. So neither less nor more is better. More than four standard errors and 0.05 from a half is flagged, and
    so are samples that coincide with known points.
    """
    assert evidence.train is not None
    samples, train, test = evidence.samples[: min(SAMPLES, evidence.searched)], evidence.train, evidence.test
    (to_train, nearest_train), (to_test, nearest_test) = nearest(samples, train), nearest(samples, test)
    ties = np.isclose(to_train, to_test, rtol=1e-12, atol=0)  # copies in both splits: half for each
    wins: Array = np.where(ties, 0.5, to_train < to_test)
    hits = Hits(
        np.bincount(nearest_train, weights=wins, minlength=len(train)).astype(np.float64),
        np.bincount(nearest_test, weights=1 - wins, minlength=len(test)).astype(np.float64),
    )
    score, z = hits.score()
    flags = []
    if z > 4 and score.value > 0.55:
        flags.append(
            f"samples lie closer to the training points than to held-out ones: {score.value:.2f} instead of 0.5"
        )
    if z < -4 and score.value < 0.45:
        why = "the model has seen the test set"
        flags.append(f"samples lie closer to the test points than to training ones: {score.value:.2f}, {why}")
    tolerance = COPY * math.sqrt(np.concatenate([train, test]).var(axis=0).sum())
    flags += copies(to_train <= tolerance, to_test <= tolerance, len(train) / len(test))
    return score._replace(flag="; ".join(flags) or None)


class Hits(NamedTuple):
    """How many samples have each point of train [k] and of test [m] as nearest neighbour."""

    train: Array
    test: Array

    def score(self) -> tuple[Score, float]:
        """Return a / (a + b) with its standard error, and how far it is from chance.

        The second number is the distance of the training points' share from chance, in standard errors. Samples that
        depend on neither split have the same neighbours under any permutation of the N = k + m labels. With p = k / N,
        c_j hits of point j and n samples, labels have variance p(1 − p) and covariance −p(1 − p) / (N − 1), so the
        share Σ c_j label_j / n has mean p and variance p(1 − p) N / (N − 1) · (Σ c_j² − n² / N) / n². The score's slope
        in the share is 1 / 4p(1 − p) there.
        """
        k, m = len(self.train), len(self.test)
        c = np.concatenate(self)
        n, p = float(c.sum()), k / (k + m)
        share = float(self.train.sum()) / n
        spread = float(np.square(c).sum()) / n**2 - 1 / (k + m)
        error = math.sqrt(max(p * (1 - p) * (k + m) / (k + m - 1) * spread, 0.0))
        value = share / k / (share / k + (1 - share) / m)
        return Score(value, error / (4 * p * (1 - p))), (share - p) / error if error > 0 else 0.0


def copies(of_train: NDArray[np.bool_], of_test: NDArray[np.bool_], odds: float) -> list[str]:
    """Return a warning if samples [n] are copies of points of one split, beyond chance.

    Rounded data and data on a line coincide by chance, with a training point `odds` times as often as with a test
    point; `odds` is the number of training points per test point. If more than 1 % of the samples coincide, and three
    times as many as expected, it is not chance.
    """
    n, a, b = len(of_train), int(of_train.sum()), int(of_test.sum())
    warnings = []
    if a > max(0.01 * n, 3 * (b * odds + 1)):
        warnings.append(f"{a / n:.0%} of the samples are copies of training points")
    if b > max(0.01 * n, 3 * (a / odds + 1)):
        warnings.append(f"{b / n:.0%} of the samples are copies of test points: a leak")
    return warnings
