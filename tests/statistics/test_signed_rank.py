"""Signed-rank tests against scipy and against values of the package baycomp 1.0.3."""

import numpy as np
import pytest
import scipy.stats

from genbench.statistics.signed_rank import least_p, signed_rank_odds, wilcoxon

MIXED = np.array([-0.02, 0.3, 0.25, 0.01, -0.4, 0.1, 0.15, 0.02, 0.5])
BETTER = np.array([0.113, 0.087, 0.164, 0.11, 0.046, 0.136, 0.23])


@pytest.mark.parametrize(("differences", "rope", "expected"), [
    (MIXED, 0.05, (0.074, 0.051, 0.875)), (BETTER, 0.0953, (0.0, 0.139, 0.861)),
    (np.arange(1, 6) / 10, 0.0, (0, 0, 1)),
])  # fmt: skip
def test_odds_are_baycomps(differences, rope, expected):
    """50,000 draws against 20,000: a difference of 0.012 is 4 standard errors and more."""
    assert signed_rank_odds(differences, rope) == pytest.approx(expected, abs=0.012)
    assert signed_rank_odds(-differences, rope) == pytest.approx(expected[::-1], abs=0.012)


def test_a_wide_rope_makes_all_equivalent_and_a_failure_is_worse():
    assert signed_rank_odds(MIXED, 1.0) == (0, 1, 0)
    assert signed_rank_odds(np.full(6, np.inf), 0.1) == pytest.approx((0, 0, 1), abs=0.01)
    assert sum(signed_rank_odds(MIXED, 0.05)) == pytest.approx(1)


def test_mirrored_differences_have_even_odds():
    odds = signed_rank_odds(np.array([-2.0, -1.0, 1.0, 2.0]), 0.1)
    assert odds.better == pytest.approx(odds.worse, abs=0.015)


def test_wilcoxon_is_scipys():
    x = np.stack([MIXED, MIXED + 0.2])
    assert wilcoxon(x) == pytest.approx([scipy.stats.wilcoxon(row).pvalue for row in x])
    assert wilcoxon(np.zeros((1, 5))) == [1]


def test_the_least_p_is_that_of_one_sign():
    for n in (3, 5, 8):
        assert wilcoxon(np.arange(1.0, n + 1)[None])[0] == pytest.approx(least_p(n))
    assert least_p(7, comparisons=11) == pytest.approx(11 / 64)
