"""The smallest difference against simulated experiments and a published table."""

import numpy as np
import pytest
import scipy.stats

from genbench.statistics.resolution import pooled_sd, power, resolution, smallest_difference


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 30])
def test_it_is_found_in_four_of_five_experiments(seeds):
    """Two models with scores of sd 0.3 whose truths differ by it: 40,000 paired t-tests reject in 80 %, standard error
    0.2 %; 4 of them are a 6e-5 chance."""
    rng = np.random.default_rng(seeds)
    a = 0.3 * rng.normal(size=(40_000, seeds))
    b = smallest_difference(0.3, seeds) + 0.3 * rng.normal(size=(40_000, seeds))
    assert np.mean(scipy.stats.ttest_rel(a, b, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=4 * 0.002)


def test_published_sample_sizes():
    """Cohen (1988): a paired test needs about 34 pairs for d = 0.5 and 15 for d = 0.8, at 5 % and 80 %."""
    for pairs, d in ((34, 0.5), (15, 0.8)):
        assert smallest_difference(1 / np.sqrt(2), pairs) <= d < smallest_difference(1 / np.sqrt(2), pairs - 1)


def test_the_usual_approximation_is_near_for_many_seeds():
    t = scipy.stats.t.isf([0.025, 0.2], 29).sum()
    assert smallest_difference(1.0, 30) == pytest.approx(t * np.sqrt(2 / 30), rel=1e-3)


def test_power():
    assert power(0.0, 5) == pytest.approx(0.05)
    assert power(2.0, 5) == pytest.approx(power(-2.0, 5))
    assert power(25.0, 4) == pytest.approx(1)


def test_one_seed_resolves_nothing():
    assert smallest_difference(1.0, 1) is None
    assert smallest_difference(0.0, 3) == 0


def test_pooled_over_seeds():
    draws = [[1.0, 3.0], [10.0, 10.0, 13.0], [7.0], []]
    assert pooled_sd(draws) == pytest.approx(np.sqrt((2 + 6) / 3))  # sums of squares 2 and 6, 1 + 2 degrees of freedom
    assert pooled_sd([[1.0], [2.0]]) is None


def test_resolution_of_a_metric():
    found = resolution("w2", [[1.0, 1.2], [0.9, 1.1]], n=1_500, seeds=3)
    assert (found.metric, found.n, found.seeds) == ("w2", 1_500, 3)
    assert found.oracle_mean == pytest.approx(1.05)
    assert found.oracle_sd == pytest.approx(np.sqrt(0.02))
    assert found.smallest_difference == pytest.approx(smallest_difference(np.sqrt(0.02), 3))
    assert resolution("w2", [[1.0], [2.0]], n=1_500, seeds=3) is None
