"""What of an axis is shown: nearly all points, no outlier, and never nothing."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from genbench.plotting.projection import Line, Plane, view_of
from genbench.plotting.ranges import comparable, limits
from genbench.plotting.ticks import less_offset, plain

NORMAL = np.random.default_rng(0).normal(size=(300, 2))


@pytest.mark.parametrize("far", [1e5, -1e5, 1e20])
@pytest.mark.parametrize("n", [30, 300])
def test_an_outlier_is_not_what_an_axis_ends_at(far, n):
    points = NORMAL[:n].copy()
    points[7] = far
    low, high = limits(points, 0.1)
    rest = np.delete(points, 7, axis=0)
    assert (rest >= low).all() or n > 100
    assert (np.abs([low, high]) < 6).all()


def test_heavy_tails_are_no_outliers():
    tails = np.random.default_rng(0).standard_t(2, size=(4000, 1))
    low, high = limits(tails, 0.0)
    np.testing.assert_allclose([low, high], np.quantile(tails, [0.001, 0.999])[:, None])


@pytest.mark.parametrize("value", [0.1, 0.0, 2460311.6, 1e20, 1e-9])
def test_a_constant_column_has_room_on_both_sides(value):
    low, high = limits(np.full((20, 1), value), 0.1)
    assert low[0] < value < high[0]


@pytest.mark.parametrize(("offset", "scale"), [(0, 1e-9), (2460311.6, 1.0), (1e9, 1.0)])
def test_limits_move_and_grow_with_the_points(offset, scale):
    np.testing.assert_allclose(limits(offset + scale * NORMAL, 0.1), offset + scale * np.array(limits(NORMAL, 0.1)))


@pytest.mark.parametrize("far", [1.0, 1e5, 1e20])
def test_a_histogram_has_some_bins_and_not_very_many(far):
    """2 n^(1/3) of them over the extent of n = 300 points, 13.4, and as wide ones where the axis goes on."""
    spike = np.concatenate([np.zeros(200), NORMAL[:99, 0], [far]])
    for values in (np.append(NORMAL[:, 0], far), spike, np.zeros(5), np.ones(3)):
        view = view_of(values[:, None])
        places = view.show(Figure().subplots(), values[:, None], "black").get_data().edges
        assert 1 <= len(places) - 1 <= 18
        np.testing.assert_allclose(places[[0, -1]], [view.low[0], view.high[0]])


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ([0.006, 0.17, 0.01], [1, 1, 1]),
        ([0.006, 0.17, 1e20], [1, 1, 0]),
        ([0.1, np.inf, np.nan], [1, 0, 0]),
        ([1.2, 1.8e9], [1, 0]),
        ([0.0, 0.01, 1.6], [1, 1, 1]),
        ([0.0, 0.01, 1.6, 1e20], [1, 1, 1, 0]),
        ([-3.0, -2.5, 1.0, -1e20], [1, 1, 1, 0]),
        ([0.0, 0.0, 0.0], [1, 1, 1]),
        ([np.nan, np.inf], [0, 0]),
    ],
)
def test_scores_that_one_axis_can_hold(scores, shown):
    np.testing.assert_array_equal(comparable(np.array(scores)), np.array(shown, dtype=bool))


def test_one_coordinate_is_a_histogram_of_all_points():
    real = NORMAL[:30, :1]
    view = view_of(real)
    assert isinstance(view, Line)
    panel = Figure().subplots()
    drawn = view.show(panel, real, "black")
    heights, places, _ = drawn.get_data()
    assert (heights * np.diff(places)).sum() == pytest.approx(1 - view.outside(real) / 30)
    view.move(drawn, np.full((10, 1), real.mean()))
    moved = drawn.get_data().values
    assert (moved > 0).sum() == 1
    view.frame(panel)
    assert panel.get_xlim() == (view.low[0], view.high[0])
    frame = view.tidy(real, model="m", seed=3)
    assert list(frame) == ["model", "seed", "x"]
    np.testing.assert_array_equal(frame["x"], real[:, 0])


def test_components_are_those_of_the_standardised_truth():
    """Of x = (a, 10 a, b): a and its multiple are one direction, (z_a + z_10a) / √2 = √2 z_a, and b the other."""
    a, b = NORMAL.T
    view = view_of(np.column_stack([a, 10 * a, b]))
    frame = view.tidy(np.column_stack([a, 10 * a, b]), model="m")
    first = np.sqrt(2) * (a - a.mean()) / a.std()
    np.testing.assert_allclose(frame["component 1"].abs(), np.abs(first), atol=0.2)
    assert np.corrcoef(frame["component 1"], frame["component 2"])[0, 1] == pytest.approx(0, abs=1e-9)
    alone = view_of(np.ones((1, 3)))
    np.testing.assert_array_equal(alone.places(np.ones((2, 3))), np.zeros((2, 2)))


def test_points_outside_are_counted_and_far_ones_stay_drawable():
    view = view_of(NORMAL)
    assert isinstance(view, Plane)
    points = np.array([[0.0, 0.0], [1e20, 0.0], [0.0, -1e20]])
    assert view.outside(points) == 2
    drawn = view.show(Figure().subplots(), points, "black")
    assert np.abs(drawn.get_offsets()).max() < 1e5


def test_an_axis_of_dates_says_what_its_numbers_leave_out():
    panel = Figure().subplots()
    panel.set_ylim(2460308.0, 2460316.0)
    less_offset(panel.yaxis, "value")
    assert panel.get_ylabel() == "value − 2,460,300"
    assert panel.yaxis.get_major_formatter()(2460311.5, 0) == "11.5"
    panel.set_ylim(0, 8)
    less_offset(panel.yaxis, "value")
    assert panel.get_ylabel() == "value"


def test_very_large_numbers_on_an_axis_are_short():
    panel = Figure().subplots()
    panel.set(xscale="log", xlim=(1, 1e20))
    plain(panel.xaxis)
    assert [panel.xaxis.get_major_formatter()(x, 0) for x in (20_000, 1e20)] == ["20k", "1e+20"]
