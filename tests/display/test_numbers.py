"""Numbers as text: the digits that their error supports, powers of ten where zeros would hide them, infinity."""

import math
import re

import numpy as np
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.display.export import render
from genbench.display.numbers import brief, with_error
from trial_records import record, spec


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.0123, 0.0021, "0.0123 ± 0.0021"),
        (0.0123, 0.0000021, "0.012300 ± 0.000002"),  # as before: what is left out is of no weight
        (-0.00005, 0.00028, "-0.00005 ± 0.00028"),
        (12345.6, 300, "12346 ± 300"),
        (1234567, None, "1234567"),
        (0.5, None, "0.500"),
        (0, 0, "0"),
        (0, None, "0"),
        (1.2e-9, 3e-10, "(1.20 ± 0.30)e-9"),
        (1.2e-9, None, "1.20e-9"),
        (-2e-7, 5e-6, "(-0.2 ± 5.0)e-6"),
        (4.5e12, 3e11, "(4.50 ± 0.30)e12"),
        (4.5e12, None, "4.50e12"),
        (1764422400000.25, 0.5, "1764422400000.25 ± 0.50"),  # every digit is known
        (3e-320, None, "3.00e-320"),
        (math.inf, None, "∞"),
        (-math.inf, 0.1, "-∞"),
        (0.0123, math.nan, "0.0123"),
    ],
)
def test_a_value_and_its_error_are_written_so_that_both_can_be_read(value, half, text):
    assert with_error(value, half) == text


@pytest.mark.parametrize("value", [10.0**k * m for k in range(-15, 15) for m in (1.0, 3.7, 9.99)])
def test_what_is_written_is_the_number(value):
    """Two digits of the error are kept, so that a value is right to a twentieth of it."""
    text = with_error(value, value / 8)
    mantissa, power = re.fullmatch(r"\(?([-\d.]+) ± [-\d.]+\)?(?:e(-?\d+))?", text).groups()
    assert float(mantissa) * 10.0 ** int(power or 0) == pytest.approx(value, abs=value / 8 / 20 + 5e-7)
    assert len(text) < 24


@pytest.mark.parametrize(("value", "text"), [(1.2e-9, "1.2e-9"), (4.5e12, "4.5e12"), (0.5, "0.5"), (-math.inf, "-∞")])
def test_brief_numbers_have_short_powers(value, text):
    assert brief(value) == text


def test_small_and_large_scores_can_be_read_in_every_format():
    values = {"sliced_w2": 1.2e-9, "energy": 4.5e12, "kl": 0.02, "kl_reverse": 3e-17}
    rng = np.random.default_rng(0)
    trials = [
        record(
            spec(model="m", seed=seed, metrics=tuple(values)),
            likelihood="exact",
            metrics={name: value * (1 + 0.01 * rng.normal()) for name, value in values.items()},
        )
        for seed in range(3)
    ]
    board = Leaderboard.of(trials)
    markdown, latex = render(board, "md"), render(board, "tex")
    assert re.search(r"\| \(1\.\d+ ± 0\.0\d+\)e-9 \|", markdown)
    assert re.search(r"\| \(4\.\d+ ± 0\.\d+\)e12 \|", markdown)
    assert re.search(r"& \(1\.\d+ \$\\pm\$ 0\.0\d+\)\$\\times 10\^\{-9\}\$ ", latex)
    assert "| 0 |" in markdown  # 3e-17 nats are rounding
    assert "0.000000" not in markdown + latex
