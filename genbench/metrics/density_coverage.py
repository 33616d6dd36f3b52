"""Density and coverage (Naeem et al. 2020): both use balls around test points only.

Precision and recall have a weakness: a ball around an outlying sample is large, so a poor model gets a high recall, and
a ball around an outlying test point gives every model some precision. Density counts the balls that contain a sample;
coverage counts the balls that contain any sample.
"""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.metrics.precision_recall import K, manifolds

__all__ = ["coverage", "density", "expected_coverage"]


@register_metric("density", family="fidelity and coverage", higher_is_better=True, order=130, costly=True)
def density(evidence: Evidence) -> Score:
    """Mean number of balls around test points that contain a sample, divided by K.

    See Naeem et al. (2020, section 3). A perfect model gets 1; more means that samples are concentrated where test
    points are dense. The standard error is that of the samples, for fixed test points.
    """
    return Score.mean(manifolds(evidence).test_balls_per_sample / K)


@register_metric("coverage", family="fidelity and coverage", higher_is_better=True, order=140, costly=True)
def coverage(evidence: Evidence) -> Score:
    """Share of test points whose ball contains a sample (Naeem et al. 2020, section 3).

    A perfect model gets `expected_coverage`; less than half of that is flagged. Balls overlap, so there is no binomial
    standard error: it would be too small.
    """
    reached = manifolds(evidence).samples_per_test_ball > 0
    value = float(reached.mean())
    share = value / expected_coverage(len(reached), K)
    if share < 0.5:
        why = f"samples reach {share:.0%} of what a perfect model's reach (a collapse)"
        return Score(value, flag=f"coverage is {value:.2g}: {why}")
    return Score(value)


def expected_coverage(m: int, k: int) -> float:
    """Return the expected coverage of m test points by m samples of the same distribution.

    None of the k nearest among the 2m − 1 other points is a sample with probability C(m − 1, k) / C(2m − 1, k)
    (Naeem et al. 2020, section 3).
    """
    i = np.arange(1, k + 1)
    return float(1 - np.prod((m - i) / (2 * m - i)))
