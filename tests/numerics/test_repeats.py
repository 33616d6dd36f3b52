import numpy as np
import pytest

from genbench.numerics.repeats import find_repeats, split_together

RNG = np.random.default_rng(0)
MEASURED = RNG.normal(size=(120, 2)).round(4)
ANSWERS = RNG.integers(0, 5, (1000, 10)).astype(float)
HEIGHTS = RNG.normal(175, 8, 1000).round()
ZEROS = np.where(RNG.random(1000) < 0.3, 0, 1)[:, None] * RNG.normal(size=(1000, 4))
RAIN = np.where(RNG.random(2000) < 0.6, 0, RNG.exponential(5, 2000).round(1))

TABLES = {
    "no two rows alike": (MEASURED, "none"),
    "every row three times": (np.repeat(MEASURED, 3, axis=0), "copies"),
    "one column, three times": (np.repeat(MEASURED[:, :1], 3, axis=0), "copies"),
    "50 rows, 20 times": (np.repeat(MEASURED[:50], 20, axis=0), "copies"),
    "50 rows once more": (np.concatenate([MEASURED, MEASURED[:50]]), "copies"),
    "coarse answers, three times": (np.repeat(ANSWERS, 3, axis=0), "copies"),
    "few grid values": (ANSWERS[:, :2], "natural"),
    "true and false": ((ANSWERS[:, :8] > 2).astype(float), "natural"),
    "classes in three columns": (np.column_stack([np.eye(3)[np.arange(1000) % 3], ANSWERS[:, 0]]), "natural"),
    "heights in cm": (HEIGHTS[:, None], "natural"),
    "heights and weights": (np.column_stack([HEIGHTS, (HEIGHTS - 100 + RNG.normal(size=1000) * 5).round()]), "natural"),
    "rain": (RAIN[:, None], "natural"),
    "rows of zeros": (ZEROS, "natural"),
    "counts": (RNG.poisson(2, (1000, 3)).astype(float), "natural"),
    "a column and its double": (np.column_stack([HEIGHTS, 2 * HEIGHTS]), "unclear"),
}


@pytest.mark.parametrize("name", TABLES)
def test_copies_are_told_from_values_that_recur(name):
    x, kind = TABLES[name]
    found = find_repeats(x[np.random.default_rng(1).permutation(len(x))])
    assert found.kind == kind
    assert found.distinct == len(np.unique(x, axis=0))
    if kind != "copies":
        np.testing.assert_array_equal(found.groups, np.arange(len(x)))


def test_numbers_with_few_decimals_are_no_false_alarm():
    rng = np.random.default_rng(2)
    draws = [
        rng.normal(size=(n, d)).round(p) for n in (50, 500, 2000) for d in (1, 2, 3) for p in (1, 2) for _ in range(9)
    ]
    alarms = [find_repeats(x).kind not in ("none", "natural") for x in draws]
    assert np.mean(alarms) <= 0.02  # of 162; about 0.7 % are, by pairs of rows that chance has made, and do no harm


def test_copies_share_a_group():
    found = find_repeats(np.repeat(MEASURED, 3, axis=0))
    np.testing.assert_array_equal(found.groups, np.repeat(np.arange(120), 3))
    assert (found.share, found.distinct) == (1.0, 120)
    images = np.repeat(np.random.default_rng(0).integers(0, 17, (60, 1, 8, 8)), 2, axis=0)
    np.testing.assert_array_equal(find_repeats(images).groups, np.repeat(np.arange(60), 2))
    assert find_repeats(np.array([[-0.0], [0.0]])).distinct == 1


def test_a_frequent_value_among_copies_is_not_kept_together():
    x = np.concatenate([np.repeat(MEASURED, 2, axis=0), np.zeros((100, 2))])
    groups = find_repeats(x).groups
    np.testing.assert_array_equal(groups[:240], np.repeat(np.arange(120), 2))
    assert len(np.unique(groups[240:])) == 100


def test_without_groups_the_order_is_cut():
    order = np.random.default_rng(0).permutation(103)
    test, validation, train = split_together(order, np.arange(103), 20)
    for part, expected in zip((test, validation, train), (order[:20], order[20:40], order[40:]), strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_groups_stay_together_and_sizes_are_near(size):
    groups = np.concatenate([np.repeat(np.arange(50), size), np.arange(50, 60)])
    order = np.random.default_rng(0).permutation(len(groups))
    parts = split_together(order, groups, len(groups) // 5)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    held = [set(groups[part]) for part in parts]
    assert sum(map(len, held)) == len(set.union(*held)) == 60
    for part in parts[:2]:
        assert len(groups) // 5 - size < len(part) <= len(groups) // 5


def test_a_group_too_large_to_hold_out_is_trained_on():
    groups = np.array([0] * 30 + list(range(1, 31)))
    parts = split_together(np.random.default_rng(0).permutation(60), groups, 12)
    assert [len(part) for part in parts] == [12, 12, 36]
    assert set(range(30)) <= set(parts[2])
