"""Trained to quality on two moons: the figures that the README's table is believed for. Minutes long."""

import pytest

import genbench

pytestmark = pytest.mark.slow

# Not "all": other test modules register models of their own, which the worker processes do not know.
MODELS = "ar,spline_flow,cfm,ot_cfm,ddpm,coupling_flow,vae,gan,gmm,kde"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    run = genbench.run(
        MODELS, "moons", seeds=3, budget="quick", results=tmp_path_factory.mktemp("quality"), say=lambda _: None
    )
    assert all(t.status == "ok" for t in run.trials), [(t.key, t.error) for t in run.trials if t.error]
    return {row.model: row for row in run.leaderboard().rows}, run


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("ar", 0.03),
        ("spline_flow", 0.04),
        ("cfm", 0.08),
        ("ot_cfm", 0.08),
        ("ddpm", 0.10),
        ("coupling_flow", 0.20),
        ("vae", 0.25),
    ],
)
def test_kl(rows, model, most):
    assert 0 < rows[0][model].metrics["kl"].mean <= most


def test_no_density_beats_the_entropy(rows):
    for trial in rows[1].trials:
        kl = trial.metrics["kl"]
        if kl is not None and trial.role != "oracle":
            assert kl > -3 * trial.standard_errors["kl"], trial.key


@pytest.mark.parametrize("model", ["cfm", "ot_cfm", "ddpm", "spline_flow", "ar"])
def test_samples_are_near_the_oracles(rows, model):
    assert rows[0][model].metrics["sliced_w2"].ratio <= 3


def test_the_gan_keeps_both_moons(rows):
    for trial in (t for t in rows[1].trials if t.model == "gan"):
        x = rows[1].samples(trial.key)
        upper = abs((x**2).sum(axis=1) ** 0.5 - 1) + 9.0 * (x[:, 1] < -0.2)  # distance from the upper moon's circle
        lower = abs(((x - [1, 0.5]) ** 2).sum(axis=1) ** 0.5 - 1) + 9.0 * (x[:, 1] > 0.7)
        assert 0.35 < (upper < lower).mean() < 0.65
