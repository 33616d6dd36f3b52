"""Tests of my_model: python -m pytest test_my_model.py."""

from pathlib import Path

import numpy as np
import pytest

import genbench

PLUGIN = str(Path(__file__).with_name("my_model.py"))


def test_it_is_better_than_a_gaussian(tmp_path: Path) -> None:
    run = genbench.run(
        ["my_model", "gaussian"], "moons", seeds=1, budget=1_000, metrics="sliced_w2", samples=2_000,
        plugins=[PLUGIN], results=tmp_path, jobs=0, progress=False,
    )  # fmt: skip
    mine, gaussian = _score(run, "my_model"), _score(run, "gaussian")
    assert mine < 0.5 * gaussian


def test_the_same_seed_gives_the_same_samples() -> None:
    x = genbench.load_dataset("moons").sample(500)
    one, other = (genbench.load_model("my_model", plugins=[PLUGIN]).fit(x, seed=1, budget="20") for _ in range(2))
    assert np.array_equal(one.sample(100, seed=2), other.sample(100, seed=2))


def test_its_density_integrates_to_one() -> None:
    x = genbench.load_dataset("moons").sample(500)
    model = genbench.load_model("my_model", plugins=[PLUGIN]).fit(x, budget="20")
    if model.card.likelihood != "exact":
        pytest.skip("it has no exact density")
    line = np.linspace(-8, 8, 200)  # moons lie within [-2, 3] × [-1, 2]
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    assert abs(np.exp(model.log_prob(grid)).sum() * (line[1] - line[0]) ** 2 - 1) < 0.02


def _score(run: genbench.Run, model: str) -> float:
    (trial,) = (trial for trial in run.trials if trial.model == model)
    assert trial.error is None, str(trial.error)
    value = trial.metrics["sliced_w2"]
    assert value is not None, [str(flag) for flag in trial.flags]
    return value
