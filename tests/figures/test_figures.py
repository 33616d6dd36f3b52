import matplotlib.image
import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.figures import available, save
from genbench.figures.samples import draw
from genbench.figures.shared.titles import head
from genbench.plotting.canvas import panels
from genbench.plotting.style import styled
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec


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


def test_the_data_of_samples_are_the_truth_and_what_is_stored(run):
    data = draw(run)["samples-wine"].data
    assert list(data) == ["model", "seed", "component 1", "component 2"]
    assert set(data["model"]) == {"truth", "oracle", "gaussian", "memoriser"}, "nan_samples has none"
    counts = data.groupby("model").size()
    assert counts["truth"] == len(genbench.load_dataset("wine").reference(4000, 0))
    blob = draw(run)["samples-blob"].data
    trial = next(t for t in run.trials if (t.model, t.dataset) == ("oracle", "blob"))
    its = blob[blob["model"] == "oracle"]
    np.testing.assert_array_equal(its[["x", "y"]], run.samples(trial.key)[:4000])
    assert set(its["seed"]) == {trial.seed}


@pytest.fixture
def two_seeds(tmp_path):
    """Two models on moons with seeds 3 and 5; the scores of one are equal."""
    store = Store(tmp_path / "r")
    store.create()
    keys = []
    for model, scores in {"gmm": (0.25, 0.75), "kde": (0.625, 0.625)}.items():
        for seed, score in zip((3, 5), scores, strict=True):
            facts = {"model": model, "dataset": "moons", "dataset_name": "moons", "dataset_params": {"noise": 0.05}}
            one = record(spec(seed=seed, protocol={"samples": 30}, **facts), metrics={"w2": score})
            store.write(one, {"samples": np.zeros((30, 2))})
            keys.append(one.key)
    store.write_run(RunRecord(name="r", trials=keys))
    return genbench.load_run(store.path)


def test_a_panel_has_the_score_that_orders_it_and_that_of_the_seed_shown(two_seeds):
    figure = draw(two_seeds)["samples"]
    titles = [panel.get_title() for panel in figure.axes if panel.axison]
    assert titles == [
        "truth: moons\n4,000 points",
        "gmm\nW2 0.5 (seed\N{NO-BREAK SPACE}3:\N{NO-BREAK SPACE}0.25)",
        "kde\nW2 0.625",
    ]
    said = "moons: 30 samples of seed 3 each, ordered by W2 (data units), the mean over seeds"
    assert figure.get_suptitle() == said
    part = draw(two_seeds.only(models=["kde"]))["samples"]
    assert part.axes[1].get_title() == "kde\nW2 0.625"


def test_lines_above_a_panel_are_no_longer_than_it_is_wide():
    with styled():
        figure, places = panels(3, (2.0, 2.0), 3)
        head(places[0], "a model with a name of many words", "", "0.5")
        lines = places[0].get_title().split("\n")
        assert lines[-1] == "0.5"
        assert 2 <= len(lines) <= 3
        figure.draw_without_rendering()
        width = figure.get_figwidth() * figure.dpi / 3
        assert places[0].title.get_window_extent().width <= width


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
