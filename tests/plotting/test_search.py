"""The figure of a search: its frame, and what its panels show of it."""

import numpy as np
import pytest

from genbench.plotting.search import ROOM, Searched, draw_search
from genbench.plotting.style import styled

BEHIND = np.array([0.5, np.nan, 0.25, 0.0, 60.0])
VALUES = {
    "lr": [None, 1e-2, 1e-3, 1e-4, 1e-1],
    "solver": ["euler", "midpoint", "euler", "midpoint", "euler"],
    "ema": [None] * 5,
}


@pytest.fixture(scope="module")
def figure():
    with styled():
        return draw_search(Searched("cfm", BEHIND, VALUES, ["lr"], "nats"))


def test_the_frame_has_a_row_for_each_configuration(figure):
    assert list(figure.data.columns) == ["configuration", "behind", "lr", "solver", "ema"]
    np.testing.assert_array_equal(figure.data["behind"], BEHIND)
    np.testing.assert_array_equal(figure.data["lr"], [np.nan, *VALUES["lr"][1:]])


def test_points_are_the_configurations_and_the_line_is_the_best_so_far(figure):
    order, lr, solver, ema = figure.axes
    top = ROOM * np.median([0.5, 0.25, 0.0, 60.0])
    heights = [0.5, 1.05 * top, 0.25, 0.0, 1.05 * top]
    np.testing.assert_allclose(order.collections[0].get_offsets(), list(zip(range(1, 6), heights, strict=True)))
    np.testing.assert_allclose(order.lines[0].get_ydata(), [0.5, 0.5, 0.25, 0.0, 0.0])
    np.testing.assert_allclose(lr.collections[0].get_offsets()[:, 0], VALUES["lr"][1:])
    assert lr.get_xscale() == "log"
    assert [label.get_text() for label in solver.get_xticklabels()] == ["euler", "midpoint"]
    np.testing.assert_allclose(solver.collections[-1].get_offsets(), [[1, 0.0]], err_msg="the ring is around the best")
    assert not ema.collections
