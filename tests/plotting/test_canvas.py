"""Sizes of panels in the styles, and what a style has no room for."""

import numpy as np
import pytest

from genbench.plotting.canvas import finish, panels
from genbench.plotting.labels import End, name_ends
from genbench.plotting.style import STYLES, styled


@pytest.mark.parametrize(
    ("style", "count", "shape", "left_out"),
    [
        ("page", 22, (6, 4), 0),  # the height is free
        ("paper", 22, (6, 4), 0),  # 0.8 · (0.4 + 0.55 · 2.1) = 1.24 inches a row: 7 rows of 3 are too few
        ("talk", 22, (2, 3), 16),  # 1.5 · 1.555 = 2.33 inches a row, and 7 − 1.5 inches for two of them
        ("talk", 6, (2, 3), 0),
    ],
)
def test_panels_are_as_many_as_a_style_has_room_for(style, count, shape, left_out):
    with styled(STYLES[style]):
        figure, places = panels(count, (3.1, 2.5), (4, 5, 3), margin=1.0)
        assert len(places) == count - left_out
        assert places[0].get_gridspec().get_geometry() == shape
        finish(figure)
        note = f"Not shown for lack of room: the last {left_out} of {count} panels."
        assert (note in figure.caption) == bool(left_out)
        before = figure.get_supxlabel()
        finish(figure)
        assert figure.get_supxlabel() == before, "a second time changes nothing"


def test_panels_of_a_block_stay_together():
    with styled(STYLES["talk"]):
        figure, places = panels(21 * 2, (1.75, 1.5), 6, text=0.6, block=2)
        rows, columns = places[0].get_gridspec().get_geometry()
        assert columns % 2 == len(places) % 2 == 0
        assert len(places) == rows * columns
        assert f"the last {21 - len(places) // 2} of 21 models" in figure.left_out


@pytest.mark.parametrize(("count", "legends"), [(4, 0), (40, 1)])
def test_names_without_room_beside_lines_are_in_a_legend(count, legends):
    with styled():
        figure, (panel,) = panels(1, (5.0, 3.0), 1)
        look = {"color": "#0072B2", "marker": "o"}
        ends = [End(f"model {i}", (1.0, y), look, " ± 1") for i, y in enumerate(np.linspace(0, 1, count))]
        name_ends(figure, {panel: ends})
        assert len(figure.legends) == legends
        named = figure.legends[0].get_texts() if legends else panel.texts
        assert {text.get_text() for text in named} == {f"model {i}" + " ± 1" * (not legends) for i in range(count)}
