"""Power of the verdicts, against the procedure itself, a closed form, and an approximation."""

import numpy as np
import pytest
from scipy.stats import nct, t

from genbench.statistics.best import ALPHA, SET_SHARE, compare_with_best, errors_of_means, intervals_with_best
from genbench.statistics.power import MOST_SEEDS, STORED, Power, Ruler, resolved_shift


def test_a_ruler_is_that_of_the_comparisons_with_the_best():
    """For means that are given afterwards, it says what `intervals_with_best` says of each by itself."""
    rng = np.random.default_rng(0)
    deviations = STORED.deviations(6, 2000)[:, ::-1]
    seeds = np.array([3, 3, 4, 8, 3, 5])
    variance, draws = (deviations**2).mean(axis=0) / seeds, errors_of_means(deviations, seeds)
    means = rng.normal(scale=0.3, size=(20, 6))
    ruler = Ruler.of(variance, draws)
    in_set = ruler.in_set(means)
    assert 0.2 < in_set.mean() < 0.9, "the case has both"
    for one, its, high in zip(means, in_set, ruler.at_most(means, in_set), strict=True):
        expected, _, highest = intervals_with_best(one, variance, draws)
        np.testing.assert_array_equal(its, expected)
        np.testing.assert_allclose(np.maximum(high, 0), highest, atol=1e-5)


@pytest.mark.parametrize(
    ("worse", "errors", "missing"), [(1, 0.0, False), (2, 0.0, False), (1, 0.3, False), (1, 0.0, True)]
)
def test_a_critical_shift_is_where_the_verdict_changes(worse, errors, missing):
    floor = np.full(5, errors) if errors else None
    power = Power(STORED.deviations(5), worse, floor)
    scores = np.random.default_rng(1).normal(size=(5, 4)) * np.maximum(power.deviations[0], errors)[:, None]
    if missing:
        scores[2:4, 3] = np.nan
    shifted = np.arange(5) < worse
    shift = power._shift(scores, 0, shifted)
    assert 0.05 < shift < 2
    for side in (-1, 1):
        moved = scores + (shift + side * 1e-5) * shifted[:, None]
        assert compare_with_best(moved, errors=floor).in_set[0] == (side < 0)


def test_of_two_models_with_one_variance_the_power_is_that_of_a_t_test():
    """Student's t of 2 (n − 1) degrees of freedom at 3.5 %, one-sided: the share of 5 % that decides on the set.

    The comparison does not know that the variances are equal, which costs it up to 0.04. Standard error 0.02.
    """
    power, n = Power(np.full((400, 2), 0.1)), 20
    for noncentrality in (1.5, 2.5, 3.5):
        expected = nct.sf(t.isf(SET_SHARE * ALPHA, 2 * n - 2), 2 * n - 2, noncentrality)
        assert power.of(n, 0.1 * noncentrality * np.sqrt(2 / n)) == pytest.approx(expected, abs=0.06)


def test_the_power_grows_with_seeds_and_differences_and_scales_with_the_spread():
    power = Power(STORED.deviations(2, 100))
    smallest = [power.smallest(n) for n in (3, 5, 20)]
    assert smallest == sorted(smallest, reverse=True)
    assert power.of(5, 0.1) < power.of(5, 0.3) < power.of(5, 0.6)
    assert power.of(5, smallest[1]) == 0.8, "of 100 tables"
    assert Power(10 * STORED.deviations(2, 100)).smallest(5) == pytest.approx(10 * smallest[1], rel=0.01)
    assert power.smallest(5, 0.95) > smallest[1]


def test_seeds_needed_are_the_first_that_suffice():
    power = Power(STORED.deviations(2, 40))  # of two, there are no effects of seeds to estimate
    for factor in (1.5, 4.0):
        needed = power.seeds(np.log(factor))
        assert power.of(needed, np.log(factor)) >= 0.8
        assert needed == 2 or power.of(needed - 1, np.log(factor)) < 0.8
    assert power.seeds(0.001) is None, f"more than {MOST_SEEDS}"
    assert len(power._shifts) < 12, "few numbers of seeds are simulated"


def test_several_worse_models_are_each_found_less_often():
    """Fewer are better than they, so that less speaks against each."""
    one, many = (Power(STORED.deviations(8, 80), worse) for worse in (1, 6))
    assert many.smallest(3) > 1.1 * one.smallest(3)


def test_one_table_tells_about_what_a_simulation_tells():
    """The line below the tables. With 80 simulated tables and the median of 10, standard error about a tenth."""
    for k, n in ((4, 5), (12, 3)):
        simulated, rng, found = Power(STORED.deviations(k, 80)).smallest(n), np.random.default_rng(2), []
        for deviations in STORED.deviations(k, 110)[100:]:
            spread = compare_with_best(rng.normal(size=(k, n)) * deviations[:, None]).spread
            found.append(resolved_shift(spread.draws, spread.variance, np.full(k, n)))
        assert np.median(found) == pytest.approx(simulated, rel=0.2)
        assert np.std(found) < 0.4 * simulated


def test_the_stored_spread_is_a_scaled_inverse_chi_square():
    """1/σ² is χ²₅ / (5 s₀²): mean 1/s₀², variance 0.4/s₀⁴. 5,000 draws: standard errors 0.009 and 0.015."""
    precision = 0.172**2 / STORED.deviations(10, 500) ** 2
    assert precision.mean() == pytest.approx(1, abs=0.04)
    assert precision.var() == pytest.approx(0.4, abs=0.06)
    assert (STORED.deviations(10, 500)[:3] == STORED.deviations(10, 500)[:3]).all()


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="two seeds"):
        Power(STORED.deviations(3, 5)).of(1, 1.0)
    with pytest.raises(ValueError, match="not worse"):
        Power(STORED.deviations(3, 5), worse=3).of(3, 1.0)
