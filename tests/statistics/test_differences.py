"""Simultaneous differences: one row against scipy, rows without spread, the error rate and what is found."""

import numpy as np
import pytest
import scipy.stats

from genbench.statistics.differences import Scores, simultaneous


def rows(a, b, paired=True):
    return [Scores(x, y, paired) for x, y in zip(a, b, strict=True)]


def test_one_row_is_students_t():
    rng = np.random.default_rng(0)
    for n in (2, 3, 6):
        a, b = rng.normal(size=(1, n)), rng.normal(0.5, 1, size=(1, n))
        found, expected = simultaneous(rows(a, b)), scipy.stats.ttest_rel(b[0], a[0])
        ends = expected.confidence_interval(0.95)
        assert found.difference[0] == pytest.approx((b - a).mean())
        assert [found.low[0], found.high[0]] == pytest.approx([ends.low, ends.high], rel=0.02)
        assert found.p[0] == pytest.approx(expected.pvalue, rel=0.02)
        assert found.p_adjusted[0] == pytest.approx(expected.pvalue, rel=0.02)


def test_one_unpaired_row_is_near_welchs_test():
    """It is Behrens and Fisher's interval, by the posteriors of both variances."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(1, 12)), rng.normal(0.5, 2, size=(1, 9))
    found = simultaneous(rows(a, b, paired=False))
    ends = scipy.stats.ttest_ind(b[0], a[0], equal_var=False).confidence_interval(0.95)
    assert 0.97 < (found.high[0] - found.low[0]) / (ends.high - ends.low) < 1.06


def test_many_rows_of_many_seeds_have_sidaks_quantile():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 8, 400))
    found = simultaneous(rows(a, b))
    width = (found.high - found.low) / 2 / ((b - a).std(axis=1, ddof=1) / 20)
    assert width == pytest.approx(np.full(8, scipy.stats.norm.isf((1 - 0.95 ** (1 / 8)) / 2)), rel=0.04)


def test_rows_without_spread():
    equal, shifted, fine = np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 3.5]), np.array([1.1, 2.0, 2.8])
    found = simultaneous([Scores(equal, equal, True), Scores(equal, shifted, True), Scores(equal, fine, True)])
    assert (found.low[0], found.high[0], found.p_adjusted[0]) == (0, 0, 1)
    assert np.isnan([found.low[1], found.high[1]]).all()
    assert (found.p[1], found.p_adjusted[1]) == (0.25, 0.5), "by flipping signs, times two rows that vary"
    assert found.low[2] < 0 < found.high[2]
    assert np.isnan(simultaneous([Scores(np.ones(2), np.full(3, 2.0), False)]).p).all()
    assert len(simultaneous([]).p) == 0


def test_p_adjusted_and_intervals_agree():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(40, 4))
    found = simultaneous(rows(a, a + 3 * rng.random((40, 1)) + 0.5 * rng.normal(size=(40, 4))))
    apart = (found.low > 0) | (found.high < 0)
    assert 0 < apart.sum() < 40
    np.testing.assert_array_equal(apart, found.p_adjusted < 0.05)


@pytest.mark.parametrize("paired", [True, False])
def test_error_rate_and_power(paired):
    """Of 60 families of 10 rows without a difference at most 5 % find one, plus 4 standard errors (a 3e-5 chance). A
    quotient of 2 at such a spread was found in 55 % of 150 paired families, by t-tests on scores and Holm in 1 %."""
    rng = np.random.default_rng(4)
    wrong = found = 0
    for _ in range(60):
        spread = 0.17 * np.sqrt(5 / rng.chisquare(5, size=(10, 1)))
        a, b = spread * rng.normal(size=(2, 10, 3))
        none = simultaneous(rows(a, b, paired))
        wrong += ((none.low > 0) | (none.high < 0)).any()
        b[1] += np.log(2)
        found += simultaneous(rows(a, b, paired)).low[1] > 0
    assert wrong / 60 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 60)
    assert found / 60 > 0.35
