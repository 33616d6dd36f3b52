import matplotlib.image
import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.figures import available, save
from genbench.figures.samples import draw


@pytest.fixture(scope="module")
def run(tmp_path_factory, good, bad):
    return genbench.run(
        "gaussian,nan_samples,memoriser", "blob,wine,blob[shift=3]", seeds=1, results=tmp_path_factory.mktemp("figures"), name="f",
        jobs=1, samples=1000, plugins=[good, bad], progress=False, say=lambda _: None,
    )  # fmt: skip


def test_a_panel_for_the_truth_and_for_every_model_on_the_same_axes(run):
    figures = draw(run)
    assert set(figures) == {"samples-blob", "samples-wine", "samples-blob[shift=3.0]"}
    panels = [p for p in figures["samples-blob"].axes if p.axison]
    assert {p.get_title().split("\n")[0] for p in panels} == {
        "truth: blob",
        "oracle",
        "gaussian",
        "memoriser",
        "nan_samples",
    }
    assert len({(p.get_xlim(), p.get_ylim()) for p in panels}) == 1


def test_points_drawn_are_the_stored_samples(run):
    trial = next(t for t in run.trials if t.model == "gaussian" and t.dataset == "blob")
    panel = next(p for p in draw(run)["samples-blob"].axes if p.get_title().startswith("gaussian"))
    np.testing.assert_array_equal(panel.collections[0].get_offsets(), run.samples(trial.key)[:4000])


def test_a_failed_trial_is_a_panel_that_says_so(run):
    panel = next(p for p in draw(run)["samples-blob"].axes if p.get_title().startswith("nan_samples"))
    assert [text.get_text() for text in panel.texts] == ["invalid_samples"]


def test_saved_as_pictures_with_something_on_them(run):
    for file in save(run, weights=False):
        pixels = matplotlib.image.imread(file)
        assert min(pixels.shape[:2]) > 300
        assert pixels[..., :3].std() > 0.02


def test_an_unknown_figure_answers_with_the_nearest(run):
    assert "samples" in available()
    with pytest.raises(GenbenchError, match="did you mean samples"):
        save(run, ["sample"])
