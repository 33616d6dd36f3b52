"""The benchmark of training steps, and that every model of the zoo states what it measures."""

import pytest

from benchmark_scripts import script
from genbench.contracts.dataset import DATASETS
from genbench.contracts.model import MODELS
from genbench.core.parameters import create, defaults
from genbench.core.registry import discover
from genbench.training import step_time

SHAPES = {
    "points": [(1,), (2,), (3,), (7,), (8,), (16,), (24,), (64,)],
    "table": [(1,), (4,), (13,), (30,), (100,)],
    "series": [(5,), (13,), (40,)],
    "image": [(1, 4, 4), (1, 8, 8), (1, 16, 16), (1, 28, 28), (3, 32, 32), (1, 64, 64), (3, 64, 64)],
}


@pytest.fixture(scope="module")
def benchmark():
    discover()
    with script("training_step") as module:
        yield module


def ours(names):
    """Leave out those of other test modules, which may be broken."""
    return [name for name in names if MODELS[name].factory.__module__.startswith("genbench.models.")]


def test_models_without_steps_are_left_out(benchmark):
    assert {"cfm", "ddpm", "gan", "vae", "ar", "spline_flow", "cnf"} <= set(benchmark.models_of("points"))
    assert not set(benchmark.models_of("points")) & {"glow", "kde", "gmm", "hmm"}
    assert "glow" in benchmark.models_of("image")


def test_every_model_states_how_long_a_step_takes_for_all_that_it_trains_on(benchmark):
    for kind, shapes in SHAPES.items():
        for name in ours(benchmark.models_of(kind)):
            for shape in shapes:
                assert defaults(MODELS[name], (kind, shape))["step_ms"], (name, kind, shape)


def test_each_model_of_points_is_timed(benchmark, monkeypatch):
    """One step is noise, but it is some."""
    monkeypatch.setattr(step_time, "WARM_UP", 1)
    monkeypatch.setattr(step_time, "BLOCK", 1)
    monkeypatch.setattr(step_time, "SHARES", (0.5,))
    moons = create(DATASETS["moons"], defaults(DATASETS["moons"]))
    for name in ours(benchmark.models_of("points")):
        measured, stated = benchmark.step(name, moons)
        assert measured > 0, name
        assert stated > 0, name
