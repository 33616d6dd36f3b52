"""Interpolation: great arcs against their closed form, codes against their inverses, midpoints against the truth."""

import numpy as np
import pytest

import genbench
from genbench.contracts.metric import select_metrics
from genbench.contracts.task_evidence import Paths
from genbench.core.registry import discover
from genbench.downstream.interpolation import latent_paths, slerp, straight_paths
from genbench.evaluation.evaluator import evaluate
from genbench.figures import save

discover()


def test_arcs_stay_on_the_sphere_and_go_at_one_speed():
    a, b = np.array([[3.0, 0.0, 0.0]]), np.array([[0.0, 3.0, 0.0]])
    path = slerp(a, b, np.linspace(0, 1, 7))
    np.testing.assert_allclose(np.linalg.norm(path, axis=2), 3.0)
    np.testing.assert_allclose(np.linalg.norm(np.diff(path, axis=1), axis=2), 6 * np.sin(np.pi / 24))
    np.testing.assert_allclose(path[0, [0, 3, 6]], [a[0], np.array([1, 1, 0]) * 3 / 2**0.5, b[0]], atol=1e-12)


def test_arcs_between_parallel_codes_are_lines():
    path = slerp(np.array([[1.0, 1.0]]), np.array([[2.0, 2.0]]), np.array([0.0, 0.25, 1.0]))
    np.testing.assert_allclose(path[0], [[1, 1], [1.25, 1.25], [2, 2]])


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("coupling_flow", {}),
        ("spline_flow", {}),
        ("maf", {}),
        ("cnf", {"density_steps": 40}),
        ("cfm", {"density_steps": 40}),
        ("ddpm", {"density_steps": 60}),
        ("edm", {"density_steps": 60}),
    ],
)
def test_codes_decode_to_the_points_they_came_from(name, params):
    """An invertible model loses nothing but rounding, an integrated one what its solver does; in the data's own units."""
    x = np.random.default_rng(0).normal(5, 3, size=(400, 2))
    model = genbench.load_model(name, **params).fit(x, budget="20")
    codes = model.encode(x[:50])
    assert codes.shape == (50, 2)
    np.testing.assert_allclose(model.decode(codes), x[:50], atol=0.01)


def test_pictures_have_codes_too():
    digits = genbench.load_dataset("digits")
    x = digits.splits(0).train[:200]
    for name in ("glow", "vae"):
        model = genbench.load_model(name).fit(x, budget="5", **digits.traits)
        assert latent_paths(model, x[:2], x[2:4], 5).shape == (2, 5, 1, 8, 8)


def test_a_model_without_codes_says_so():
    model = genbench.load_model("gmm", components=1).fit(np.random.default_rng(0).normal(size=(50, 2)))
    for verb in (model.encode, model.decode):
        with pytest.raises(genbench.core.errors.GenbenchError, match="gmm does not"):
            verb(np.zeros((3, 2)))


def test_midpoints_of_a_circle():
    """Straight lines between independent points of a ring miss it; fresh points of it lie inside in 9 of 10 cases.

    Half of the data are a dense spot in the middle, all of it above the level: the 5 % below are a tenth of the ring.
    """
    ring = genbench.load_dataset("circles", factor=0.0, noise=0.01)
    names = [card.name for card in select_metrics("all", "interpolate")]
    truth = ring.sample(20_000, seed=0)
    outer = truth[np.hypot(*truth.T) > 0.5]
    a, b = outer[:4000], outer[4000:8000]
    line = straight_paths(a, b, 3)
    arc = line.copy()
    arc[:, 1] = outer[-4000:]  # in the place of a decoded midpoint: independent data
    scores = evaluate(Paths(ring, 0, arc, line, truth), names).metrics
    assert scores["midpoints_inside"] == pytest.approx(0.9, abs=0.025)  # five standard errors of 4000 points
    assert scores["straight_inside"] < 0.2
    assert scores["round_trip"] == 0


def test_the_task_from_plan_to_table(tmp_path):
    request = {"datasets": "moons", "seeds": 1, "budget": "20", "task": "interpolate", "results": tmp_path}
    with pytest.raises(genbench.core.errors.GenbenchError, match="has no codes that it decodes"):
        genbench.run("gmm", **request)
    run = genbench.run("coupling_flow", **request, train=500, jobs=0, progress=False, say=lambda line: None)
    assert [file.name for file in save(run, ["interpolation"])] == ["interpolation.png"]
    data, stored = run.plot("interpolation").data, run.arrays(run.trials[0].key)
    second = data[data["pair"] == 1]
    np.testing.assert_array_equal(second[["x", "y"]], stored["latent"][1])
    np.testing.assert_array_equal(second[["straight x", "straight y"]], stored["straight"][1])
    rows = {row.model: row for row in run.leaderboard().rows}
    assert "oracle" not in rows
    assert rows["coupling_flow"].metrics["round_trip"].mean < 0.01
    assert 0 <= rows["coupling_flow"].metrics["midpoints_inside"].mean <= 1


def test_a_gan_goes_between_samples_of_its_own(tmp_path):
    request = {"budget": "20", "task": "interpolate", "results": tmp_path, "jobs": 0, "progress": False}
    run = genbench.run("gan", "moons", 1, train=500, say=lambda line: None, **request)
    trial = next(trial for trial in run.trials if trial.model == "gan")
    assert trial.metrics["round_trip"] is None  # it has no encoder
    assert 0 <= trial.metrics["midpoints_inside"] <= 1
    kept = run.store.arrays(trial.key)
    np.testing.assert_allclose(kept["latent"][:, [0, -1]], kept["straight"][:, [0, -1]], atol=1e-6)
    assert not np.allclose(kept["latent"], kept["straight"], atol=0.01)
    with pytest.raises(genbench.core.errors.GenbenchError, match="coupling_flow does not draw codes"):
        genbench.load_model("coupling_flow").fit(np.random.default_rng(0).normal(size=(50, 2)), budget="2").draw_codes(
            3
        )
