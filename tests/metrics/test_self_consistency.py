"""The metric of shares in regions: its score, its flag, and what it does not flag."""

import numpy as np
import pytest

import genbench
from genbench.contracts.evidence import Evidence
from genbench.metrics.self_consistency import self_consistency

FINE = np.array([0.5, 0.5, 0.01])


def score(*worst, row=14, regions=28):
    """The score where one row of the shares is another one."""
    rows = np.tile(FINE, (regions, 1))
    if worst:
        rows[row] = worst
    x = np.zeros((5, 2))
    return self_consistency(Evidence(genbench.load_dataset("moons"), x, x, None, 0, shares=rows))


def test_the_score_is_the_gap_of_the_region_that_is_off_by_most_errors():
    assert score(0.31, 0.30, 0.004) == (pytest.approx(0.01), 0.004, None)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (0, "the density integrates to 1.5 where the samples lie"),
        (1, "a sample is denser than a point beside it 0.667 times as often as by the density"),
        (2, "where the density is low, there are 20 % of the samples and 30 % of the density"),
        (14, "in a region, there are 20 % of the samples and 30 % of the density"),
    ],
)
def test_a_flag_says_what_is_wrong(row, words):
    assert score(0.2, 0.3, 0.01, row=row).flag == f"samples and density do not belong together: {words}, z = -10"


def test_what_is_small_or_uncertain_is_not_flagged():
    assert score(0.309, 0.3, 0.0001).flag is None  # less than 1 % of the samples
    assert score(0.345, 0.3, 0.01).flag is None  # 4.5 errors: 1 in 10,000 of 28 regions is 4.63
    assert score(0.348, 0.3, 0.01).flag is not None
    assert score(0.345, 0.3, 0.01, row=0, regions=1).flag is not None  # of one region it is 3.89
