"""The drawing of quality against cost: places, ticks and names."""

import math

import pytest

import genbench
from genbench.report.links import Links
from genbench.report.scatter import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, _axis, _names, scatters
from stored_runs import PLAIN, stored_run


def test_an_axis_is_logarithmic_where_it_can_be():
    place, ticks = _axis([1.0, 100.0], 0.0, 116.0)  # 8 % of room at either end
    assert place(1.0) == pytest.approx(8.0)
    assert place(10.0) == pytest.approx(58.0)
    assert [text for _, text in ticks] == ["1", "2", "5", "10", "20", "50", "100"]
    place, ticks = _axis([-1.0, 3.0], 0.0, 116.0)
    assert place(1.0) == pytest.approx(58.0)
    assert [text for _, text in ticks] == ["-1", "0", "1", "2", "3"]


@pytest.mark.parametrize("values", [[0.9995, 1.0], [1200.0, 2700.0], [7.0, 7.0], [0.0, 0.0], [1e-7, 3e8]])
def test_an_axis_has_ticks_inside_whatever_the_values(values):
    place, ticks = _axis(values, 10.0, 110.0)
    assert 2 <= len(ticks) <= 7
    assert all(10 <= where <= 110 for where, _ in ticks)
    assert all(10 <= place(value) <= 110 for value in values)


def test_no_name_covers_another():
    names = _names(["first", "second", "third"], [(200, 100), (202, 101), (204, 102)])
    given = [place for place in names if place]
    assert len(given) >= 2
    assert len({(round(x), round(y)) for x, y in given}) == len(given)


def test_points_are_the_models_at_their_scores(tmp_path):
    board = genbench.load_run(stored_run(tmp_path, samples=0)).leaderboard()
    rows = [row for row in board.rows if row.place == PLAIN]
    plots = scatters(rows, "sliced_w2", Links())
    assert [plot.x_label for plot in plots][:2] == ["seconds of training", "seconds for 1,000 samples"]
    first = plots[0]
    alive = {row.model: row for row in rows if row.role == "model" and row.seeds}
    assert {point.model for point in first.points} == set(alive)
    by_cost = sorted(first.points, key=lambda point: point.x)
    assert [p.model for p in by_cost] == sorted(alive, key=lambda m: alive[m].cost["train_seconds"])
    by_score = sorted(first.points, key=lambda point: -point.y)
    assert [p.model for p in by_score] == sorted(alive, key=lambda m: alive[m].metrics["sliced_w2"].mean)
    for point in first.points:
        assert LEFT <= point.x <= WIDTH - RIGHT
        assert TOP <= point.y <= HEIGHT - BOTTOM
        ratio = alive[point.model].metrics["sliced_w2"].ratio
        assert point.says[1].startswith(f"{ratio:.2f} × oracle, ")
        assert first.oracle > point.y, "the oracle's is the least of the scores"
    assert math.isclose(first.oracle, next(y for y, text in first.y_ticks if text == "1"))
