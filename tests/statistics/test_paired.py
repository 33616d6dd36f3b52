"""Paired tests against scipy, Holm against its definition."""

import numpy as np
import pytest
import scipy.stats

from genbench.statistics.paired import holm, paired, paired_tests


def test_paired_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(8, 6)), rng.normal(0.5, 1, size=(8, 6))
    n, difference, low, high, p = paired_tests(a, b, level=0.9)
    expected = scipy.stats.ttest_rel(b, a, axis=1)
    ends = expected.confidence_interval(0.9)
    assert n.tolist() == [6] * 8
    np.testing.assert_allclose(p, expected.pvalue, rtol=1e-10)
    np.testing.assert_allclose([difference, low, high], [(b - a).mean(axis=1), ends.low, ends.high], rtol=1e-10)


def test_missing_seeds_do_not_count():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 7)), rng.normal(size=(5, 7))
    a[rng.random(a.shape) < 0.2] = np.nan
    b[rng.random(b.shape) < 0.2] = np.nan
    n, difference, low, high, p = paired_tests(a, b)
    for i in range(5):
        there = ~np.isnan(a[i] + b[i])
        one = paired(dict(enumerate(a[i][there])), dict(enumerate(b[i][there])))
        assert (n[i], difference[i], low[i], high[i], p[i]) == pytest.approx(one)
        assert one.p == pytest.approx(scipy.stats.ttest_rel(a[i][there], b[i][there]).pvalue)


def test_seeds_are_matched_by_name():
    one = paired({3: 1.0, 1: 5.0, 7: 0.0}, {1: 5.5, 2: 9.0, 3: 1.2})
    assert (one.n, one.difference) == (2, pytest.approx(0.35))


def test_without_pairs_there_is_no_p():
    assert np.isnan(paired({0: 1.0}, {0: 2.0}).p)
    none = paired({0: 1.0}, {1: 2.0})
    assert none.n == 0
    assert np.isnan(none[1:]).all()


def test_equal_scores_are_no_difference():
    assert paired({0: 0.1, 1: 0.3}, {0: 0.1, 1: 0.3}) == (2, 0, 0, 0, 1)


def test_the_same_difference_at_every_seed_gives_a_sign_test():
    """8 modes against 7 at three seeds: Student's t would be infinite and p 0, however few the seeds."""
    one = paired(dict.fromkeys(range(3), 8.0), dict.fromkeys(range(3), 7.0))
    assert (one.difference, one.p) == (-1, 0.25)
    assert np.isnan([one.low, one.high]).all()
    rounding = paired({0: 1.0, 1: 1.3, 2: 0.7}, {0: 1.2, 1: 1.5, 2: 0.9})  # 0.2 but for the last bit
    assert rounding.p == 0.25


def naive_holm(p):
    """Reject the smallest while p_(i) ≤ α / (m − i + 1): the adjusted p is the smallest α that rejects."""
    p = np.asarray(p)
    order, m, adjusted = sorted(range(len(p)), key=lambda i: p[i]), len(p), [0.0] * len(p)
    for place, i in enumerate(order):
        adjusted[i] = min(1.0, max((m - earlier) * p[j] for earlier, j in enumerate(order[: place + 1])))
    return adjusted


def test_holm_is_its_definition():
    rng = np.random.default_rng(3)
    for m in (1, 2, 5, 30):
        p = rng.random(m) ** 3
        np.testing.assert_allclose(holm(p), naive_holm(p))
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04, 0.03])), [0.03, np.nan, 0.06, 0.06])
    assert holm(np.array([])).shape == (0,)


def test_holm_keeps_the_family_wise_error():
    """Of 4,000 families of 10 true hypotheses 5 % at most have a rejection; 4 standard errors are a 3e-5 chance."""
    p = np.random.default_rng(4).random((4_000, 10))
    rejected = np.mean([holm(family).min() < 0.05 for family in p])
    assert rejected < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4_000)
