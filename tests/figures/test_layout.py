"""The layout of every figure: nothing is cut off, no letters lie on others, and in papers sizes are those of a column."""

import functools

import numpy as np
import pytest
from matplotlib.figure import Figure

from figure_layout import flaws
from figure_runs import TASKS, figure_run
from genbench.core.registry import discover
from genbench.figures import available, draw, needs_weights
from genbench.plotting.style import STYLES, style_named, styled

IMAGES = ("image_grids", "neighbours")  # figures that have no frame
ACROSS_DATASETS = ("critical_difference", "heat_map", "profile", "properties", "ranking")
FROM_RECORDS = [name for name in available() if not needs_weights(name)]
PLANE, ACROSS = ("moons",), ("moons", "circles", "swiss_roll", "pinwheel", "rare_modes", "gaussian_mixture")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Gives runs with as many models, of short names or long ones, on some datasets."""
    return functools.cache(
        lambda count, long, datasets, tasks=(): figure_run(
            tmp_path_factory.mktemp("layout"), count, long, datasets, tasks
        )
    )


def check(run, name, style):
    """Draw a figure in a style, assert that a reader can read it, and return it."""
    found = draw(run, name, style=style)
    with styled(style_named(style)):
        wrong = {
            stem: bad
            for stem, figure in found.items()
            if (bad := [*flaws(figure, 7.0 if style == "paper" else 0.0), *_size(figure, style)])
        }
    assert wrong == {}
    return found


def _size(figure, style):
    (width, height), its = figure.get_size_inches(), STYLES[style]
    if its.columns and (width not in its.columns or height > its.height):
        yield f"{width} × {height} inches"


@pytest.mark.parametrize(("name", "count"), [("heat_map", 13), ("forest", 20)])  # the others take long
def test_a_paper_holds_many_models(made, name, count):
    assert check(made(count, False, PLANE), name, "paper")


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("count", [5, 13, 20])
@pytest.mark.parametrize("name", FROM_RECORDS)
def test_every_figure_can_be_read(made, name, count, long, style):
    discover()  # as the command does
    runs = [made(count, long, PLANE, TASKS), made(count, long, ("wine",)), made(count, long, ("digits",))]
    if name in ACROSS_DATASETS:  # the others have one figure for each dataset, of which these are enough
        runs.append(made(count, long, ACROSS))
    drawn = [list(check(run, name, style).values()) for run in runs]
    assert any(drawn)
    assert name in IMAGES or all(figure.data is not None for figures in (*drawn[:2], *drawn[3:]) for figure in figures)


def test_a_flaw_of_each_kind_is_found():
    figure = Figure(figsize=(4, 3), dpi=100)
    left, right = figure.add_axes((0.2, 0.2, 0.3, 0.6)), figure.add_axes((0.6, 0.2, 0.3, 0.6))
    assert flaws(figure) == []
    left.set_xticks([0, 0.05], ["one name", "another name"])
    right.text(0.9, 0.5, "far out of the canvas")
    right.text(0.2, 0.8, "cut off at its border", clip_on=True)
    left.annotate("on the neighbour", (0.5, 0.5), (1.4, 0.5), xycoords="axes fraction", fontsize=5)
    found = flaws(figure, least=7.0)
    kinds = [line.partition(": ")[0].split(" by ")[0] for line in found]
    assert list(dict.fromkeys(kinds)) == [
        "off the canvas", "cut off", "letters on letters", "letters on another panel", "letters of 5.00 points",
    ]  # fmt: skip
    assert "letters on letters: 'one name' and 'another name'" in found


def test_slanted_labels_are_compared_as_they_lie():
    figure = Figure(figsize=(4, 3), dpi=100)
    panel = figure.add_axes((0.3, 0.4, 0.6, 0.5))
    slanted = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    panel.set_xticks(np.arange(6), [f"a long name {i}" for i in range(6)], **slanted)
    assert flaws(figure) == []
    panel.set_xticks(np.arange(40) / 8, ["a long name"] * 40, **slanted)
    assert any(line.startswith("letters on letters") for line in flaws(figure))
