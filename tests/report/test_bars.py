"""The small bars of × oracle, and the alignment of numbers."""

import math

import pytest

from genbench.display.table_view import TableCell
from genbench.report.alignment import paddings
from genbench.report.bars import WIDTH, bars


def cell(*times):
    return TableCell("", 0.0, times=times or None)


def test_a_bar_goes_from_the_oracle_to_the_score_on_a_logarithmic_scale():
    oracle, double, four, none = bars(
        [cell(1, 0.9, 1.1), cell(2, 1, 4), cell(4, None, None), cell()], [False, True, True, True]
    )
    assert none is None
    assert oracle.length == 0
    assert four.end == WIDTH
    assert double.length == pytest.approx(four.length / 2, abs=0.1), "twice the oracle's is half way to four times"
    assert (double.low, double.high) == (double.one, WIDTH)
    assert (four.low, four.high) == (WIDTH, WIDTH), "without an interval there is no line"


def test_controls_end_at_the_edge_and_better_than_the_oracle_goes_left():
    worst, better = bars([cell(1000, 900, 1100), cell(0.5, 0.4, 0.6)], [False, True])
    assert (worst.end, better.end) == (WIDTH, 0)
    assert better.start == 0 < better.one == better.length < WIDTH


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_what_has_no_logarithm_has_no_bar(value):
    assert bars([cell(value, None, None)], [True]) == [None]


def test_small_differences_look_small():
    (bar,) = bars([cell(1.01, 1.0, 1.02)], [True])
    assert bar.length < 1


def test_texts_have_as_many_figures_points_and_errors_behind_the_decimal_point():
    texts = ["0.00718 ± 0.00087", "0.0077 ± 0.0067", "≈ 12.3 ± 1.2", "-3", "–", "∞", "1,234", "1e-05 ± 2e-06"]
    tails = [text.partition(".")[1:] for text in texts[:3]]
    padded = ["".join(tail) + padding for tail, padding in zip(tails, paddings(texts), strict=False)]
    for letters in ("0123456789", ".", "±"):
        counts = {sum(letter in letters for letter in text) for text in padded}
        assert len(counts) == 1, letters
    assert len({paddings(texts)[k] for k in range(3, 7)}) == 1, "texts without decimals need the same"
    assert paddings([]) == []
