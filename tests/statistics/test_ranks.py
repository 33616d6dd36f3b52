"""Rank tests against the worked example of Demšar (2006), tables 5 and 6, and against scikit-posthocs."""

import numpy as np
import pytest

from genbench.statistics.ranks import Ranks, cliques, critical_difference, iman_davenport

# Ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf by AUC on 14 datasets.
DEMSAR = np.array([
    [4, 3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [4, 1, 3, 2], [4, 2, 3, 1], [1, 2.5, 4, 2.5], [3, 2, 4, 1],
    [2.5, 2.5, 4, 1], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5], [4, 2.5, 1, 2.5], [3, 2, 4, 1], [4, 1, 2, 3], [3, 1, 4, 2],
])  # fmt: skip


def test_demsars_example():
    ranks = Ranks.of(DEMSAR)
    assert ranks.average.round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    assert ranks.datasets == 14
    assert ranks.critical_difference == pytest.approx(1.25, abs=0.005)
    # The paper's χ² of 9.28 does without the correction for ties, 1 − Σ(t³ − t) / N(k³ − k).
    ties = 60 + 3 * 6
    assert ranks.statistic * (1 - ties / (14 * 60)) == pytest.approx(9.28, abs=0.005)
    value, p = iman_davenport(9.28, k=4, n=14)
    assert value == pytest.approx(3.69, abs=0.005)
    assert 0.01 < p < 0.05, "the paper's critical value of F(3, 39) at 5 % is 2.85"
    assert ranks.cliques == ((3, 1, 2, 0),), "by Nemenyi's test the largest difference, 1.18, is not told"


def test_critical_values_are_demsars():
    """Table 5: q at 5 % for 2 to 10 models, and at 10 %."""
    five, ten = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164], [1.645, 2.052, 2.291]
    q = [critical_difference(k, 1) / np.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    np.testing.assert_allclose(q, five, atol=0.0011)
    q = [critical_difference(k, 1, alpha=0.1) / np.sqrt(k * (k + 1) / 6) for k in (2, 3, 4)]
    np.testing.assert_allclose(q, ten, atol=0.0011)


def test_against_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    ranks = Ranks.of(DEMSAR)
    p = np.asarray(posthocs.posthoc_nemenyi_friedman(DEMSAR))
    apart = np.abs(ranks.average[:, None] - ranks.average) >= ranks.critical_difference
    np.testing.assert_array_equal(p < 0.05, apart)


def test_scores_are_ranked_with_failures_last():
    scores = np.array([[0.3, 0.1, np.nan, 0.1], [1.0, np.nan, np.nan, 2.0]])
    assert Ranks.of(scores).average.tolist() == [2.0, 2.5, 3.75, 1.75]  # 3 1.5 4 1.5 and 1 3.5 3.5 2


def test_cliques_are_the_largest_groups():
    average = np.array([5.0, 1.0, 2.0, 3.9, 4.1])
    assert cliques(average, 2.0) == ((1, 2), (2, 3), (3, 4, 0))  # 2.0 and 4.1 are 2.1 apart
    assert cliques(average, 0.1) == ()
    assert cliques(average, 10.0) == ((1, 2, 3, 4, 0),)


def test_without_enough_there_is_a_reason():
    few = Ranks.of(np.random.default_rng(0).random((4, 6)))
    assert few.critical_difference is few.p is None
    assert "4 datasets are too few" in few.reason
    assert "2 models are too few" in Ranks.of(np.random.default_rng(0).random((9, 2))).reason
    tied = Ranks.of(np.ones((6, 3)))
    assert (tied.statistic, tied.p, tied.cliques) == (0, 1, ((0, 1, 2),))


def test_error_rate_under_the_null():
    """Nemenyi's test finds any difference among 5 equal models on 30 datasets in 5 % of all cases: 2,000 repetitions
    have a standard error of 0.5 %; 4 of them are a 3e-5 chance."""
    rng = np.random.default_rng(1)
    cd = critical_difference(5, 30)
    found = np.mean([np.ptp(rng.random((30, 5)).argsort(axis=1).mean(axis=0)) + 0 >= cd for _ in range(2_000)])
    assert found < 0.05 + 4 * 0.005
