"""The benchmark of training steps: every model that it takes by itself can be trained on points."""

import math

import pytest

import genbench
from benchmark_scripts import script
from genbench.core.registry import REGISTRY, discover


@pytest.fixture(scope="module")
def benchmark():
    with script("training_step") as module:
        yield module


def test_models_of_pictures_and_of_single_shots_are_left_out(benchmark):
    discover()
    names = set(benchmark.models_of_points())
    assert {"cfm", "ddpm", "gan", "vae", "ar", "spline_flow", "cnf"} <= names
    assert not names & {"glow", "kde", "gmm", "hmm"}
    assert all("points" in REGISTRY["models"].cards[name].kinds for name in names)


def test_each_of_the_others_is_trained_on_points(benchmark, monkeypatch):
    """On as many more steps as are asked for; seconds of so few are noise, but they are some."""
    monkeypatch.setattr(benchmark, "STEPS", 1)
    discover()
    data = genbench.load_dataset("moons").sample(500, seed=0)
    cards = REGISTRY["models"].cards  # and those of other test modules, which may be broken
    for name in (n for n in benchmark.models_of_points() if cards[n].factory.__module__.startswith("genbench.models.")):
        milliseconds, recipe = benchmark.step(name, data)
        assert math.isfinite(milliseconds), name
        assert recipe.step_ms > 0, name
