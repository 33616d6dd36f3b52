"""The permutation test of MMD²: the statistic by brute force, its error rate, its power."""

import numpy as np
import pytest
from scipy.stats import binom, kstest

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.metrics.discrepancy import discrepancy
from genbench.metrics.mmd2 import gaussian_mixture_kernel
from genbench.metrics.mmd2_p import mmd2_p, mmd2_permuted


class Nothing(SyntheticDataset):
    """A dataset that is never asked for anything."""

    shape = (2,)


class Recorded(RecordedDataset):
    """Real data, whose reference is the test split."""

    shape = (2,)


def evidence(shift: float, n: int, seed: int) -> Evidence:
    rng = np.random.default_rng([seed, 5])
    return Evidence(Nothing(), rng.normal(size=(n, 2)) + shift, rng.normal(size=(n, 2)), None, seed=seed)


def test_the_statistic_is_that_of_mmd2():
    """Of real data, mmd2's estimator compares one set with test points, each mean over pairs of distinct points."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(150, 2)) + 0.3, rng.normal(size=(150, 2))
    one = Evidence(Recorded(), x, y, None, seed=0)
    expected = discrepancy(one, gaussian_mixture_kernel(1.1))
    assert mmd2_permuted(x, y, 1.1, 3, rng)[0] == pytest.approx(expected, abs=1e-12)


def test_each_permutation_relabels_the_points():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(3, 2)) + 1, rng.normal(size=(2, 2))
    pool = np.concatenate([x, y])
    values = mmd2_permuted(x, y, 1.0, 300, rng)
    splits = {
        (i, j): mmd2_permuted(np.delete(pool, [i, j], axis=0), pool[[i, j]], 1.0, 0, rng)[0]
        for i in range(5)
        for j in range(i)
    }
    assert np.abs(values[:, None] - np.array(list(splits.values()))).min(axis=1).max() < 1e-12
    assert len(np.unique(values.round(10))) == 10  # all ways to choose; one is missed once in 10¹³ seeds


def test_p_is_uniform_under_the_truth():
    """5 % of 300 repeats are rejected; each bound fails by chance once in 1,000 seeds."""
    p = np.array([mmd2_p(evidence(0, 60, seed)) for seed in range(300)])
    low, high = binom(300, 0.05).ppf([0.0005, 0.9995])
    assert low <= (p <= 0.05).sum() <= high
    assert kstest(p, "uniform").pvalue > 0.001  # the steps of 1/201 are too fine to matter


def test_a_shift_is_seen_and_p_is_never_0():
    assert mmd2_p(evidence(0.3, 1500, 0)) == pytest.approx(1 / 201)
    assert np.mean([mmd2_p(evidence(0.5, 60, seed)) <= 0.05 for seed in range(30)]) > 0.7
