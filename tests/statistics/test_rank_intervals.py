"""Intervals of ranks: clear cases, one pair against its definition, and how often they miss."""

import numpy as np

from genbench.statistics.best import compare_with_best
from genbench.statistics.rank_intervals import found_worse, rank_intervals


def intervals(scores):
    first, last = rank_intervals(compare_with_best(scores), scores.shape[1])
    return list(zip(first.tolist(), last.tolist(), strict=True))


def test_models_far_apart_have_one_rank_each():
    noise = 0.01 * np.random.default_rng(0).normal(size=(4, 7))
    assert intervals(np.array([3.0, 1.0, 4.0, 2.0])[:, None] + noise) == [(3, 3), (1, 1), (4, 4), (2, 2)]


def test_equal_models_may_have_any_rank():
    scores = np.random.default_rng(1).normal(size=(5, 6))
    assert intervals(scores) == [(1, 5)] * 5
    assert intervals(np.ones((3, 4))) == [(1, 3)] * 3


def test_two_groups_share_their_ranks():
    noise = np.random.default_rng(2).normal(size=(6, 8))
    assert intervals(noise + np.repeat([0.0, 100.0], 3)[:, None]) == [(1, 3)] * 3 + [(4, 6)] * 3


def test_two_models_differ_beyond_the_two_sided_quantile():
    draws = np.random.default_rng(3).normal(size=(2, 100_000))
    for difference, expected in ((1.9, False), (2.02, True)):  # the quantile is 1.96 standard errors
        worse = found_worse(np.array([difference * np.sqrt(2), 0.0]), np.ones(2), draws)
        assert worse.tolist() == [[False, expected], [False, False]]


def test_steps_find_more_than_the_first():
    """Of 20 models 19 are far apart; of what is left, one pair in each direction, 2.5 standard errors are much."""
    mean = np.append(100.0 * np.arange(1, 20), 1900 + 2.5 * np.sqrt(2))
    draws = np.random.default_rng(4).normal(size=(20, 4_000))
    assert found_worse(mean, np.ones(20), draws)[19, 18].tolist() is False
    assert found_worse(mean + 3 * (np.arange(20) == 19), np.ones(20), draws)[19, 18]


def test_intervals_miss_as_rarely_as_stated():
    """Of 150 tables of 8 equal models on 6 datasets at most 5 % have a wrong interval, plus 4 standard errors (3e-5)."""
    rng = np.random.default_rng(5)
    tables = [rng.normal(size=(8, 6)) * rng.gamma(3, size=(8, 1)) + rng.normal(size=6) for _ in range(150)]
    missed = [any(ends != (1, 8) for ends in intervals(table)) for table in tables]
    assert np.mean(missed) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 150)
