import numpy as np
import pytest

from genbench.figures import available, image_grids, samples
from genbench.plotting.image_grid import mosaic


def test_mosaic_puts_pictures_in_rows():
    x = np.arange(3 * 1 * 2 * 2.0).reshape(3, 1, 2, 2)
    nan = np.nan
    expected = [[0, 1, nan, 4, 5], [2, 3, nan, 6, 7], [nan] * 5, [8, 9, nan, nan, nan], [10, 11, nan, nan, nan]]
    np.testing.assert_array_equal(mosaic(x, side=2)[..., 0], expected)


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3)])
def test_mosaic_keeps_colours(channels, shown):
    x = np.random.default_rng(0).random((5, channels, 4, 6))
    grid = mosaic(x, side=2)
    assert grid.shape == (9, 13, shown)
    np.testing.assert_array_equal(grid[:4, 7:], x[1, :shown].transpose(1, 2, 0))


def test_images_are_shown_as_grids_and_nothing_else_is(picture_run):
    assert "image_grids" in available()
    assert set(samples.draw(picture_run)) == {"samples-wine"}
    figures = image_grids.draw(picture_run)
    assert set(figures) == {"image_grids-digits"}
    panels = {p.get_title().partition("\n")[0]: p for p in figures["image_grids-digits"].axes if p.get_title()}
    assert set(panels) == {"truth: digits", "memoriser", "oracle", "nowhere"}
    assert [text.get_text() for text in panels["nowhere"].texts] == ["invalid_samples"]
    trial = next(t for t in picture_run.trials if (t.model, t.dataset) == ("memoriser", "digits"))
    shown = np.asarray(panels["memoriser"].images[0].get_array())
    low_high = panels["truth: digits"].images[0].get_array()
    assert (low_high.min(), low_high.max()) == (0, 1)
    first = picture_run.samples(trial.key)[0, 0]
    np.testing.assert_allclose(shown[:8, :8, 0], np.floor(17 * first).clip(0, 16) / 16)  # without the noise
