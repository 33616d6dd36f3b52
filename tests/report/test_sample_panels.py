"""A figure of samples, cut for a page: where its first row ends, and where the panel of each model is."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.report.cards import card
from genbench.report.figures import page_figures
from genbench.report.page_figure import PageFigure
from genbench.report.run_page import run_page
from genbench.report.sample_panels import Strip
from stored_runs import PLAIN, stored_run

MODELS = ("oracle", "another", "two[players=2]", "copies", "bounded", "<script>alert(1)</script>")


def image(array, **facts):
    """A figure of grey values."""
    out = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(out, "PNG")
    height, width = array.shape
    return PageFigure("samples", "samples", "moons", width=width, height=height, content=out.getvalue(), **facts)


def rows_of_panels(rows, gap=12, height=200):
    """A title, and rows of panels, each below a line of letters: 1,000 pixels wide."""
    parts = [np.full((20, 1000), 0.0), np.full((8, 1000), 255.0)]
    for _ in range(rows):
        parts += [np.full((15, 1000), 100.0), np.full((6, 1000), 255.0), np.full((height, 1000), 50.0)]
        parts += [np.full((gap, 1000), 255.0)]
    return np.concatenate(parts)


def test_a_figure_is_cut_between_its_first_two_rows():
    figure = image(rows_of_panels(3))
    row = 20 + 8 + 15 + 6 + 200
    assert row <= Strip.of(figure, "x").cut <= row + 12


def test_a_figure_that_is_low_or_has_no_blank_band_is_whole():
    assert Strip.of(image(rows_of_panels(1)), "x").cut == rows_of_panels(1).shape[0]
    assert Strip.of(image(np.full((900, 1000), 70.0)), "x").cut == 900


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return genbench.load_run(stored_run(tmp_path_factory.mktemp("panels"), models=MODELS))


@pytest.fixture(scope="module")
def figure(run):
    found, _ = page_figures(run, ["samples"], jobs=0)
    return next(one for one in found if one.dataset == PLAIN)


def test_each_panel_is_where_its_model_was_drawn(figure):
    """Frames are dark lines around each panel, and between panels is paper."""
    assert set(figure.panels) == {"", *MODELS}
    grey = np.asarray(Image.open(io.BytesIO(figure.content)).convert("L")).astype(float)
    seen = set()
    for box in figure.panels.values():
        left, right = (round(figure.width * x) for x in (box.x, box.x + box.width))
        top, bottom = (round(figure.height * y) for y in (box.y, box.y + box.height))
        seen.add((left, top))
        inside, edge = grey[top + 6 : bottom - 6, left + 6 : right - 6], grey[top + 6 : bottom - 6, left - 2 : left + 3]
        assert edge.mean(axis=0).min() < 160 < inside.mean(), "a frame, and mostly paper inside"
        assert grey[top - 2 : top + 3, left + 6 : right - 6].mean(axis=1).min() < 160
    assert len(seen) == len(MODELS) + 1


def test_panels_follow_the_leaderboard(run, figure):
    """From left to right and from top to bottom: the truth, and then the models in the order of the table."""
    order = [row.model for row in run.leaderboard().rows if row.place == PLAIN]
    placed = sorted(figure.panels, key=lambda model: (round(figure.panels[model].y, 2), figure.panels[model].x))
    assert placed == ["", *order]


def test_a_page_has_one_image_and_shows_parts_of_it(run):
    page = run_page(run, ["samples"])
    assert page.count("data:image/webp") == 2, "one a dataset"
    uses = page.count('<use href="#samples_of/plain[noise=0.1]"/>')
    # In the overview, side by side with the truth, whole, in each row of the table, and in each section with the truth.
    assert uses == 1 + (1 + len(MODELS)) + 1 + len(MODELS) + 2 * len(MODELS)


def test_a_stored_image_has_no_panels_and_an_animation_is_no_strip(tmp_path):
    run = genbench.load_run(stored_run(tmp_path, samples=0, models=("oracle", "another")))
    (run.path / "figures").mkdir()
    Image.new("RGB", (300, 200), "red").save(run.path / "figures" / "samples-plain[noise=0.1].png")
    page = run_page(run, ["samples"])
    assert page.count('class="first"') == 2, "in the overview and in the section"
    assert 'class="thumb"' not in page


def test_a_card_says_what_a_run_is(run, figure):
    one = card(run, [figure])
    assert one.image.startswith("data:image/webp;base64,")
    assert len(one.image) < 60_000
    assert set(one.models.split(", ")) == set(MODELS) - {"oracle", "copies"}
    assert one.data.startswith(PLAIN)
    assert (one.budget, one.trials) == ("quick", "3 seeds, 34 of 36 trials succeeded (2 diverged)")
    assert "sliced W2" in one.verdict
    assert card(run, [replace(figure, mime="image/gif")]).image == ""
