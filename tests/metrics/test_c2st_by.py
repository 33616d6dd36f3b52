"""Two-sample tests by other classifiers, against the best accuracy that there can be."""

import numpy as np
import pytest
from scipy.stats import norm

from genbench import load_dataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.c2st_by import c2st_mlp, c2st_trees

SHIFT = 1.0


@pytest.mark.parametrize("metric", [c2st_mlp, c2st_trees])
def test_accuracy_is_near_the_best_there_is(metric):
    """For N(0, I) against the same moved by 1, the best classifier is right with probability Φ(½) = 0.691.

    It is linear; a learned one stays below by its error. Of equal distributions every classifier is right half of the
    time; 0.03 are three standard errors at 2 · 700 points, with the larger error that folds have.
    """
    dataset = load_dataset("stretched_gaussian", long=1.0, short=1.0)
    test, x = dataset.sample(700, seed=1), dataset.sample(700, seed=2)
    right = metric(Evidence(dataset, x, test, None, seed=0))
    assert right.value == pytest.approx(0.5, abs=0.045)
    assert right.standard_error == pytest.approx(np.sqrt(0.25 / 1400))
    moved = metric(Evidence(dataset, x + np.array([SHIFT, 0.0]), test, None, seed=0))
    assert norm.cdf(SHIFT / 2) - 0.08 < moved.value < norm.cdf(SHIFT / 2) + 0.03
    assert metric(Evidence(dataset, x, test, None, seed=0)) == right, "the same seed, the same number"
