"""Variance components against the nested analysis of variance done by hand, and against simulated truth."""

import numpy as np
import pytest

from genbench.core.errors import GenbenchError
from genbench.statistics.variance import decompose


def test_by_hand():
    """Two data seeds, two initialisations, two draws: mean squares 50, 4 and 1 for the cells below."""
    y = np.array([[[1.0, 2.0], [3.0, 4.0]], [[6.0, 7.0], [8.0, 9.0]]])
    # means of cells 1.5 3.5 | 6.5 8.5, of data 2.5 | 7.5, of all 5
    ms_data, ms_init, ms_draw = 4 * (2.5**2 + 2.5**2) / 1, 2 * (4 * 1.0) / 2, 8 * 0.25 / 4
    assert (ms_data, ms_init, ms_draw) == (50, 4, 0.5)
    parts = decompose(y)
    assert (parts.sampling, parts.initialisation, parts.data) == pytest.approx((0.5, (4 - 0.5) / 2, (50 - 4) / 4))
    assert parts.total == pytest.approx(13.75)
    assert parts.shares["data"] == pytest.approx(11.5 / 13.75)


def test_against_the_definition():
    y = np.random.default_rng(0).normal(size=(4, 3, 5)).cumsum(axis=0)
    cell, data, i, j, k = y.mean(axis=2), y.mean(axis=(1, 2)), 4, 3, 5
    ss_data = sum(j * k * (data[a] - y.mean()) ** 2 for a in range(i))
    ss_init = sum(k * (cell[a, b] - data[a]) ** 2 for a in range(i) for b in range(j))
    ss_draw = sum((y[a, b, c] - cell[a, b]) ** 2 for a in range(i) for b in range(j) for c in range(k))
    assert ss_data + ss_init + ss_draw == pytest.approx(((y - y.mean()) ** 2).sum())
    ms = ss_data / (i - 1), ss_init / (i * (j - 1)), ss_draw / (i * j * (k - 1))
    parts = decompose(y)
    assert parts.sampling == pytest.approx(ms[2])
    assert parts.initialisation == pytest.approx(max(0, (ms[1] - ms[2]) / k))
    assert parts.data == pytest.approx(max(0, (ms[0] - ms[1]) / (j * k)))


def test_simulated_truth():
    """Averages over 400 experiments lie within 4 standard errors of the truth but once in 5,000 seeds."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        y = 3 * rng.normal(size=(10, 1, 1)) + 2 * rng.normal(size=(10, 6, 1)) + rng.normal(size=(10, 6, 4))
        parts = decompose(y)
        found.append([parts.data, parts.initialisation, parts.sampling])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(400)
    assert (np.abs(np.mean(found, axis=0) - [9, 4, 1]) < 4 * error).all()
    assert (error < [0.3, 0.1, 0.02]).all()


def test_estimates_below_zero_are_zero():
    y = np.array([[[0.0, 2.0], [0.0, 2.0]], [[0.0, 2.0], [0.0, 2.0]]])  # all the spread is within
    parts = decompose(y)
    assert (parts.data, parts.initialisation, parts.sampling) == (0, 0, 2)
    assert parts.shares == {"data": 0, "initialisation": 0, "sampling": 1}
    assert decompose(np.ones((2, 2, 2))).shares["data"] == 0


def test_what_cannot_be_decomposed_is_refused():
    with pytest.raises(GenbenchError, match=r"shape \(3, 2, 1\)"):
        decompose(np.zeros((3, 2, 1)))
    with pytest.raises(GenbenchError, match="1 of 8 values are NaN"):
        decompose(np.array([[[1, 2], [3, np.nan]], [[1, 2], [3, 4]]]))
