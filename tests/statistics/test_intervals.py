"""Intervals against scipy, and how often they cover."""

import numpy as np
import pytest
import scipy.stats

from genbench.core.errors import GenbenchError
from genbench.statistics.intervals import mean_intervals, ratio_intervals

SCORES = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "exponential": (lambda rng, size: rng.exponential(size=size), 1.0),
    "log-normal": (lambda rng, size: np.exp(rng.normal(size=size)), np.exp(0.5)),
}
# Measured coverage of 95 % intervals with 40,000 repetitions, in %, by (scores, method): {n: coverage}.
COVERAGE = {
    ("normal", "t"): {3: 95.2, 5: 95.1, 10: 95.0, 20: 95.0},
    ("exponential", "t"): {3: 88.3, 5: 88.5, 10: 89.8, 20: 92.0},
    ("log-normal", "t"): {3: 84.0, 5: 82.3, 10: 84.1, 20: 86.9},
    ("normal", "bootstrap"): {5: 95.0, 10: 94.9, 20: 94.9},
    ("exponential", "bootstrap"): {5: 93.3, 10: 94.2, 20: 94.5},
    ("log-normal", "bootstrap"): {5: 89.3, 10: 90.9, 20: 91.8},
}


def test_t_is_students():
    x = np.random.default_rng(0).normal(3, 2, size=(6, 7))
    mean, low, high = mean_intervals(x, "t", level=0.9)
    expected = scipy.stats.t.interval(0.9, 6, loc=x.mean(axis=1), scale=scipy.stats.sem(x, axis=1))
    np.testing.assert_allclose([mean, low, high], [x.mean(axis=1), *expected], rtol=1e-12)


def test_bootstrap_is_the_studentised_one():
    """Naively: resample, studentise, take quantiles. Two sets of 999 resamples agree within Monte-Carlo error."""
    rng = np.random.default_rng(1)
    x = rng.exponential(size=12)
    star = x[rng.integers(12, size=(200_000, 12))]
    t = (star.mean(axis=1) - x.mean()) / (star.std(axis=1, ddof=1) / np.sqrt(12))
    error = x.std(ddof=1) / np.sqrt(12)
    expected = x.mean() - np.quantile(t, [0.975, 0.025]) * error
    ends = np.array([mean_intervals(x[None], "bootstrap", seed=s)[1:] for s in range(20)])[:, :, 0]
    # an end varies by about 0.1 standard errors from one set of 999 resamples to another, the mean of 20 by 0.03
    np.testing.assert_allclose(ends.mean(axis=0), expected, atol=0.15 * error)
    assert expected[1] - x.mean() > 1.3 * (x.mean() - expected[0]), "a skewed score has a skewed interval"


@pytest.mark.parametrize(("scores", "method"), COVERAGE)
def test_coverage_is_as_stated(scores, method):
    # 3,000 repetitions have a standard error of at most 0.7 %; 4 of them and the table's own error: 6e-5 a cell.
    draw, truth = SCORES[scores]
    rng = np.random.default_rng(2)
    for n, expected in COVERAGE[scores, method].items():
        _, low, high = mean_intervals(draw(rng, (3_000, n)), method)
        p = expected / 100
        assert abs(((low <= truth) & (truth <= high)).mean() - p) < 4 * np.sqrt(p * (1 - p) * (1 / 3_000 + 1 / 40_000))


def test_auto_takes_what_covers():
    rng = np.random.default_rng(3)
    few, many = rng.exponential(size=(4, 9)), rng.exponential(size=(4, 10))
    np.testing.assert_array_equal(mean_intervals(few), mean_intervals(few, "t"))
    np.testing.assert_array_equal(mean_intervals(many), mean_intervals(many, "bootstrap"))
    assert (mean_intervals(many)[1] != mean_intervals(many, "t")[1]).all()


def test_rows_without_spread_or_number():
    mean, low, high = mean_intervals(np.array([[2.0], [3.0]]))
    assert mean.tolist() == [2, 3]
    assert np.isnan([low, high]).all()
    same = mean_intervals(np.full((1, 12), 5.0))
    assert [part.item() for part in same] == [5, 5, 5]
    nearly = np.array([[8.0] * 11 + [7.0]])  # a third of its resamples has no spread: Student's
    np.testing.assert_array_equal(mean_intervals(nearly), mean_intervals(nearly, "t"))
    assert [part.shape for part in mean_intervals(np.zeros((0, 12)))] == [(0,)] * 3
    with pytest.raises(GenbenchError, match="no interval method"):
        mean_intervals(nearly, "bca")


def test_the_scale_of_scores_does_not_matter():
    x = np.random.default_rng(4).exponential(size=(5, 12))
    for a, b in zip(mean_intervals(x), mean_intervals(1e-9 * x), strict=True):
        np.testing.assert_allclose(1e-9 * a, b, rtol=1e-9)


def test_twenty_thousand_cells_take_a_second():
    import time

    x = np.random.default_rng(5).exponential(size=(20_000, 10))  # 1,000 rows, 20 metrics, 10 seeds
    begin = time.process_time()
    mean_intervals(x)
    assert time.process_time() - begin < 10, "a loop over cells would take a minute"


def test_ratio_is_the_delta_method():
    x, f = np.array([[2.0, 2.2, 2.4]]), np.array([[1.0, 1.1, 0.9, 1.2]])
    ratio, low, high = ratio_intervals(x, f)
    a, b = 0.04 / 3 / 2.2**2, f.var(ddof=1) / 4 / 1.05**2
    t = scipy.stats.t.isf(0.025, (a + b) ** 2 / (a**2 / 2 + b**2 / 3))
    assert ratio.item() == pytest.approx(2.2 / 1.05)
    assert [low.item(), high.item()] == pytest.approx(ratio.item() * np.exp([-t * (a + b) ** 0.5, t * (a + b) ** 0.5]))


@pytest.mark.parametrize(("n", "m", "above", "below", "expected"), [
    (3, 3, 0.3, 0.1, 94.9), (5, 5, 0.05, 0.3, 94.8), (10, 10, 0.5, 0.3, 95.9), (3, 12, 0.3, 0.1, 92.9), (3, 3, 0.05, 0.1, 95.9),
])  # fmt: skip
def test_coverage_of_the_ratio(n, m, above, below, expected):
    """The values expected were measured with 20,000 repetitions. 8,000 more lie within 4 standard errors but in 6e-5."""
    rng = np.random.default_rng(6)
    x, f = 2 * (1 + above * rng.normal(size=(8_000, n))), 1 + below * rng.normal(size=(8_000, m))
    _, low, high = ratio_intervals(x, f)
    p = expected / 100
    covered = ((low <= 2) & (high >= 2))[~np.isnan(low)]
    assert abs(covered.mean() - p) < 4 * np.sqrt(p * (1 - p) * (1 / 8_000 + 1 / 20_000))


def test_ratio_without_a_sense_is_nan():
    one, two = np.array([[1.0]]), np.array([[1.0, 2.0]])
    assert np.isnan(ratio_intervals(one, two)[1])
    assert ratio_intervals(one, two)[0].item() == pytest.approx(2 / 3)
    assert np.isnan(ratio_intervals(two, -two)).all()
    assert [part.item() for part in ratio_intervals(np.full((1, 3), 4.0), np.full((1, 3), 2.0))] == [2, 2, 2]
