"""Recorded series: the numbers themselves, and splits in time that leak nothing."""

import sys

import numpy as np
import pytest

from genbench import load_dataset
from genbench.contracts.series import stretches, windows
from genbench.core.errors import GenbenchError


def test_airline_is_series_g():
    # Sum, first and last year as printed by Box and Jenkins; equal to pmdarima's copy in full.
    x = load_dataset("airline").series
    assert x.shape == (144,)
    assert x.sum() == 40363
    np.testing.assert_array_equal(x[:12], [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118])
    np.testing.assert_array_equal(x[-12:], [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432])
    years = x.reshape(12, 12).mean(axis=1)
    assert (np.diff(years) > 0).all()
    assert (years[0], years[-1]) == (pytest.approx(126.6667, abs=1e-3), pytest.approx(476.1667, abs=1e-3))


def test_sunspots_are_statsmodels():
    pytest.importorskip("statsmodels")
    x = load_dataset("sunspots").series
    assert x.shape == (309,)
    assert (x[0], x[257], x.max()) == (5.0, 190.2, 190.2)  # 1700, 1957


def test_sunspots_without_statsmodels_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(GenbenchError, match=r"pip install 'genbench\[series\]'"):
        load_dataset("sunspots").splits(0)


@pytest.mark.parametrize("log", [False, True])
def test_windows_of_a_part_lie_in_it_and_the_parts_follow_each_other(log):
    data = load_dataset("airline", length=13, dequantise=False, log=log)
    splits, x = data.splits(0), data.series
    for part, begin, end in ((splits.train, 0, 88), (splits.validation, 88, 116), (splits.test, 116, 144)):
        np.testing.assert_array_equal(part, windows(x[begin:end], 13))
    assert data.timeline(0).start == 116
    np.testing.assert_array_equal(data.timeline(0).values, x)


def test_noise_is_added_once_to_the_series_and_rounds_away():
    data = load_dataset("airline")
    splits, timeline = data.splits(3), data.timeline(3)
    np.testing.assert_array_equal(np.rint(timeline.values), data.series)
    assert (timeline.values != data.series).all()
    np.testing.assert_array_equal(splits.test, windows(timeline.values[timeline.start :], 13))
    np.testing.assert_array_equal(splits.train[1:, :-1], splits.train[:-1, 1:])
    assert not np.array_equal(timeline.values, data.timeline(4).values)


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(GenbenchError, match="give a smaller length"):
        load_dataset("airline", length=28).splits(0)
    with pytest.raises(GenbenchError, match="at least 2"):
        load_dataset("airline", length=1)


def test_stretches_undo_windows():
    x = np.random.default_rng(0).normal(size=50)
    (whole,) = stretches(windows(x, 7))
    np.testing.assert_array_equal(whole, x[None])
    two = stretches(np.concatenate([windows(x[:20], 7), windows(x[20:], 7)]))
    assert [piece.shape for piece in two] == [(1, 20), (1, 30)]
    apart = np.random.default_rng(1).normal(size=(6, 7))
    assert stretches(apart)[0] is apart
