"""Figures of trained models: known densities on their panels, as many panels as models, and a reason for each absence."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import genbench
from genbench.contracts.dataset import Sizes
from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.errors import GenbenchError
from genbench.figures import draw, needs_weights, save
from genbench.figures.animation import FRAMES, HOLD
from genbench.figures.densities import DEPTH, Grid
from genbench.figures.generation import TIMES
from genbench.figures.shared.panels import truth
from genbench.figures.shared.trained_models import gather, with_methods
from trial_records import rewritten

FLOW, DDPM = "cfm[density_steps=2,steps=4]", "ddpm[density_steps=2,steps=4]"
NEED = (
    "animation",
    "densities",
    "generation",
    "latents",
    "noising",
    "paths",
    "reconstructions",
    "residual",
    "velocity",
)
SMALL = {"jobs": 0, "samples": 200, "metrics": "sliced_w2", "progress": False, "say": lambda _: None}


@pytest.fixture(scope="module")
def points(tmp_path_factory, good, bad):
    models = (
        f"standard_normal[width=2],{FLOW},{DDPM},spline_flow[hidden=8],vae[hidden=8,importance_samples=2],nan_density"
    )
    folder = tmp_path_factory.mktemp("points")
    options = SMALL | {"metrics": "sliced_w2,nll"}  # of which one needs densities
    return genbench.run(models, "blob", 1, "3", results=folder, name="p", train=500, plugins=[good, bad], **options)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    models = f"{FLOW},vae[hidden=4],gan[hidden=4]".replace("density_steps=2", "density_steps=0")
    folder = tmp_path_factory.mktemp("pictures")
    return genbench.run(models, "digits", 1, "2", results=folder, name="d", **SMALL)


def shown(figure):
    return [panel for panel in figure.axes if panel.axison or panel.images]


def names(figure):
    """The names at the left of rows, from top to bottom."""
    return [text.get_text() for panel in figure.axes for text in panel.texts]


def test_what_needs_weights_says_so():
    assert all(needs_weights(name) for name in NEED)
    assert not needs_weights("samples")


def test_densities_are_the_closed_forms_on_one_colour_scale(points):
    """The blob is N((1, 0), I); `standard_normal[width=2]` is N(0, 4) of standardised points, in the data's own units."""
    figure = draw(points, "densities")["densities"]
    panels = {p.get_title().split("\n")[0]: p for p in shown(figure) if p.get_title()}
    assert {"truth: blob", "standard_normal[width=2.0]"} < set(panels)
    assert sorted(name.split("[")[0] for name in panels) == [
        "cfm",
        "ddpm",
        "spline_flow",
        "standard_normal",
        "truth: blob",
        "vae",
    ]
    grid = Grid.over(truth(points.trials[0], 4000))
    x, y = grid.centres.T
    exact = -((x - 1) ** 2 + y**2) / 2 - np.log(2 * np.pi)
    (image,) = panels["truth: blob"].images
    np.testing.assert_allclose(image.get_array().ravel(), np.maximum(exact, exact.max() - DEPTH), atol=1e-12)
    assert exact.max() == pytest.approx(-np.log(2 * np.pi), abs=0.01)
    train = genbench.load_dataset("blob").splits(genbench.core.seeding.stream(0, "data"), Sizes(500)).train
    z = (grid.centres - train.mean(axis=0)) / (2 * train.std(axis=0))
    wide = -(z**2).sum(axis=1) / 2 - np.log(2 * np.pi * 4 * train.std(axis=0).prod())
    (image,) = panels["standard_normal[width=2.0]"].images
    np.testing.assert_allclose(image.get_array().ravel(), np.maximum(wide, exact.max() - DEPTH), atol=1e-9)
    assert len({p.images[0].get_clim() for p in panels.values()}) == 1
    data = figure.data
    of = {name: data[data["model"] == name] for name in ("truth", "standard_normal[width=2.0]")}
    np.testing.assert_allclose(of["truth"]["log_prob"], exact, atol=1e-12)
    np.testing.assert_allclose(of["standard_normal[width=2.0]"]["log_prob"], wide, atol=1e-9)
    np.testing.assert_array_equal(of["truth"][["x", "y"]], grid.centres)
    kinds = {title.split("[")[0]: p.get_title().split("\n")[-1] for title, p in panels.items()}
    assert [kinds[name] for name in ("standard_normal", "ddpm", "vae")] == ["exact", "≈ estimate", "≤ bound"]
    failed = next(trial for trial in points.trials if trial.model == "nan_density")
    assert failed.status != "ok"
    assert f"Not shown: nan_density ({failed.status})" in figure.get_supxlabel()


def test_residuals_are_the_closed_form_and_the_worst_points_are_where_it_is_worst(points):
    figure = draw(points, "residual")["residual"]
    data = figure.data[figure.data["model"] == "standard_normal[width=2.0]"]
    x, y = data["x"].to_numpy(), data["y"].to_numpy()
    floor = -np.log(2 * np.pi) - DEPTH
    exact = np.maximum(-((x - 1) ** 2 + y**2) / 2 - np.log(2 * np.pi), floor)
    train = genbench.load_dataset("blob").splits(genbench.core.seeding.stream(0, "data"), Sizes(500)).train
    z = (data[["x", "y"]].to_numpy() - train.mean(axis=0)) / (2 * train.std(axis=0))
    wide = -(z**2).sum(axis=1) / 2 - np.log(2 * np.pi * 4 * train.std(axis=0).prod())
    np.testing.assert_allclose(data["residual"], np.maximum(wide, floor) - exact, atol=1e-3)  # of the highest cell
    panel = next(p for p in figure.axes if p.get_title().startswith("standard_normal"))
    lo, hi = panel.images[0].get_clim()
    assert lo == -hi
    missed, invented = (np.asarray(marks.get_offsets()) for marks in panel.collections)
    assert 5 < len(missed) <= 25
    assert 5 < len(invented) <= 25
    assert np.hypot(*(missed - [1, 0]).T).max() < 1.2
    assert np.hypot(*(invented - [1, 0]).T).min() > 2


def test_rows_follow_each_model_through_time(points):
    ways = draw(points, "generation")["generation"]
    assert sorted(name.split("[")[0] for name in names(ways)) == ["cfm", "ddpm", "spline_flow"]
    panels = shown(ways)
    times = [float(p.get_title().removeprefix("t = ")) for p in panels]
    assert times.count(0) == times.count(1) == 3
    assert len(panels) <= 3 * len(TIMES)
    assert len({(p.get_xlim(), p.get_ylim()) for p in panels}) == 1
    noise = draw(points, "noising")["noising"]
    assert next(p.get_title() for p in shown(noise)).endswith("1.00x + 0.00ε")
    assert len(shown(noise)) == 2 * 6
    assert len(shown(draw(points, "velocity")["velocity"])) == 2 * 5
    assert len(shown(draw(points, "paths")["paths"])) == 3


def test_the_data_of_ways_are_the_points_of_the_panels(points):
    """Noised at t = 1 are the data themselves; paths end, and snapshots end, where the samples are."""
    noise = draw(points, "noising")["noising"]
    start = noise.data[(noise.data["model"] == FLOW) & (noise.data["t"] == 1)]
    np.testing.assert_allclose(start[["x", "y"]], truth(points.trials[0], len(start)), rtol=1e-5, atol=1e-5)
    said = " ".join(noise.get_suptitle().split())
    assert said.startswith(f"blob: {len(start):,} points x on their way")
    ways = draw(points, "generation")["generation"].data
    assert (ways.groupby(["model", "t"]).size() == len(start)).all()
    paths = draw(points, "paths")["paths"]
    assert set(paths.data.groupby(["model", "path"]).size()) == {33}
    ends = paths.data[paths.data["model"] == FLOW].groupby("path").last()
    panel = next(p for p in paths.axes if p.get_title().startswith("cfm"))
    np.testing.assert_allclose(panel.lines[-1].get_xydata(), ends[["x", "y"]])
    field = draw(points, "velocity")["velocity"].data
    assert set(field.groupby(["model", "t"]).size()) == {16 * 16}
    assert np.isfinite(field[["velocity x", "velocity y"]]).all(axis=None)


def test_reconstructions_are_linked_to_their_points(points):
    figure = draw(points, "reconstructions")["reconstructions"]
    errors = {p.get_title().split("[")[0]: float(p.get_title().split()[-1]) for p in shown(figure)}
    assert set(errors) == {"cfm", "ddpm", "spline_flow", "vae"}
    assert errors["spline_flow"] < 1e-4 < errors["vae"]
    (its,) = (part for name, part in figure.data.groupby("model") if name.startswith("vae"))
    test, back = (its[its["of"] == of][["x", "y"]].to_numpy() for of in ("test", "reconstruction"))
    assert np.sqrt(((back - test) ** 2).mean()) == pytest.approx(errors["vae"], rel=0.1)


def test_pictures_are_shown_as_pictures(pictures):
    assert draw(pictures, "velocity") == draw(pictures, "densities") == {}
    for name, count in (("generation", 5), ("noising", 6), ("paths", 1), ("reconstructions", 2), ("latents", 3)):
        (figure,) = draw(pictures, name).values()
        panels = [p for p in figure.axes if p.images]
        assert len(panels) == count, name
        assert all(p.images[0].get_array().std() > 0.01 for p in panels), name
        assert figure.data is None, "images are no table"
    titles = [p.get_title() for p in draw(pictures, "latents")["latents"].axes]
    assert [title for title in titles if "between its own samples" in title] == [
        "gan[hidden=4], between its own samples"
    ]


def test_the_animation_moves_and_is_small(points):
    (file,) = save(points, ["animation"])
    assert file.suffix == ".gif"
    assert file.stat().st_size < 2_000_000
    with Image.open(file) as gif:
        assert FRAMES <= gif.n_frames <= FRAMES + HOLD  # frames that stay the same may be one
        first = np.asarray(gif.convert("RGB"))
        gif.seek(gif.n_frames - 1)
        assert (np.asarray(gif.convert("RGB")) != first).any()
    assert draw(points, "animation") == {}


def test_what_cannot_be_brought_back_is_named_and_the_rest_is_shown(points, tmp_path):
    shutil.copytree(points.path, tmp_path / "p")
    run = genbench.load_run(tmp_path / "p")
    flow, diffusion = (next(t for t in run.trials if t.model == name) for name in (FLOW, DDPM))
    (run.store.trials / f"{flow.key}.safetensors").unlink()
    file = run.store.trials / f"{diffusion.key}.json"
    record = json.loads(file.read_text())
    record["spec"]["sources"]["model"] = "another"
    rewritten(file, spec=record["spec"])
    run = genbench.load_run(tmp_path / "p")
    figure = draw(run, "generation")["generation"]
    assert [name.split("[")[0] for name in names(figure)] == ["spline_flow"]
    note = " ".join(figure.get_supxlabel().split())
    assert "are not stored" in note
    assert "code of model ddpm changed since it was trained" in note
    said = []
    files = save(run, ["noising", "samples"], say=said.append)
    assert [f.name for f in files] == ["samples.png"]
    assert len(said) == 1
    assert "figure noising was left out: no trained model can be shown" in said[0]
    with pytest.raises(GenbenchError, match="no trained model can be shown"):
        draw(run, "velocity")


def test_a_figure_that_disturbs_its_models_leaves_them_alone_for_the_next(points):
    def spoil(trial, estimator):
        before = estimator.sample(5)
        estimator.standardiser = None
        for value in estimator.weights().values():
            value.zero_()
        return before

    first, again = (gather(points, "blob", with_methods(SupportsTrajectory), spoil)[0] for _ in range(2))
    assert len(first) >= 2
    for (_, before), (_, after) in zip(first, again, strict=True):
        np.testing.assert_array_equal(before, after)
