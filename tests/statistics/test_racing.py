"""Levels of looks against a simulation, and who gets seeds, in cases that can be worked out by hand."""

import numpy as np
import pytest
import scipy.stats

from genbench.statistics.best import SET_SHARE, WithBest
from genbench.statistics.moderated import Spread
from genbench.statistics.racing import level, needed, next_look, running, spent, with_lost


def looks(most):
    found = [3]
    while found[-1] < most:
        found.append(next_look(found[-1], most))
    return found


def compared(mean, variance, in_set=None, low=None):
    mean, variance = np.array(mean, float), np.array(variance, float)
    there = np.full(len(mean), True) if in_set is None else np.array(in_set)
    low = np.full(len(mean), -1.0) if low is None else np.array(low, float)
    return WithBest(mean, there, low, np.ones(len(mean)), Spread(variance, 5.0, 1.0, np.ones((1, len(mean)))))


def test_alpha_is_spent_little_by_little_and_never_all():
    shares = [spent(n) for n in (3, 4, 5, 10, 20, 59, 60, 61, 100, 10_000)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 0.05
    assert level([3]) == pytest.approx(spent(3))


@pytest.mark.parametrize("most", [8, 20])
def test_the_looks_together_go_wrong_as_often_as_they_may(most):
    at = looks(most)
    bounds = scipy.stats.norm.isf([level(at[: i + 1]) for i in range(len(at))])
    runs = 200_000
    z = np.random.default_rng(0).standard_normal((runs, most)).cumsum(axis=1)[:, np.array(at) - 1] / np.sqrt(at)
    error = np.sqrt(spent(most) / runs)
    assert (z > bounds).any(axis=1).mean() == pytest.approx(spent(most), abs=4 * error)  # fails once in 16,000 seeds


def test_equally_spaced_looks_have_the_bounds_of_the_literature(monkeypatch):
    # Lan & DeMets (1983): α log(1 + (e − 1) t), which is near Pocock's boundary, for 5 looks, one-sided 0.025
    from genbench.statistics import racing

    monkeypatch.setattr(racing, "spent", lambda n: 0.025 * np.log(1 + (np.e - 1) * n / 15))
    monkeypatch.setattr(racing, "_bounds", racing._bounds.__wrapped__)
    monkeypatch.setattr(racing, "_uncrossed", racing._uncrossed.__wrapped__)
    found = scipy.stats.norm.isf([racing.level([3, 6, 9, 12, 15][: i + 1]) for i in range(5)])
    assert found == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=2e-3)


def test_looks_come_at_growing_distances_and_the_last_is_at_the_most_seeds():
    assert looks(20) == [3, 4, 5, 7, 9, 12, 20]
    assert looks(3) == [3]
    assert looks(4) == [3, 4]


def test_what_was_worse_stays_worse_and_cannot_lead():
    found = with_lost(compared([0.0, 0.1, 0.2], [1, 1, 1]), np.array([True, False, False]))
    assert found.in_set.tolist() == [False, True, True]
    assert found.low.tolist() == [0, -1, -1]
    assert with_lost(compared([0, 1], [1, 1], [False, True]), np.array([False, True])).in_set.tolist() == [True, False]


def test_seeds_needed_are_those_of_a_z_test():
    z = scipy.stats.norm.isf(SET_SHARE * 0.02)  # of one comparison
    worse = needed(compared([0.0, 0.5], [0.04, 0.05]), 0.02, margin=None)
    assert worse == pytest.approx([np.inf, z**2 * 0.09 / 0.25])
    good = needed(compared([0.0, 0.1], [0.04, 0.05]), 0.02, margin=0.5)
    assert good[1] == pytest.approx(z**2 * 0.09 / 0.16), "sooner as good than worse"
    assert needed(compared([0.0, 0.0], [1, 1]), 0.02, margin=None).tolist() == [np.inf, np.inf]


def test_the_uncertain_side_of_a_comparison_gets_the_seeds():
    undecided, seeds = np.array([False, True, False]), np.array([3, 3, 3])

    def chosen(variance, **more):
        return running(
            compared([0.0, 0.2, 9.0], variance, [True, True, False]), undecided, seeds, 0.01, **more
        ).tolist()

    assert chosen([1, 1, 1], most=20) == [True, True, False]
    assert chosen([1, 9, 1], most=20) == [False, True, False]
    assert chosen([9, 1, 1], most=20) == [True, False, False]
    assert chosen([1, 1, 1], most=3) == [False, False, False]


def test_a_model_behind_which_another_may_lie_far_gets_seeds_too():
    found = compared([0.0, 0.1, 0.3], [1, 1, 50])
    assert running(found, np.array([False, True, False]), np.array([5, 5, 5]), 0.01, 20).tolist() == [
        False,
        False,
        True,
    ]
