"""Every model that forecasts: its distribution of the next value is what its density of windows implies."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.registry import REGISTRY, discover

discover()
CARDS = REGISTRY["models"].cards
FORECASTERS = sorted(
    n
    for n, c in CARDS.items()
    if c.file.parent.name == "models" and hasattr(c.factory, "forecast") and c.role != "oracle"
)
PARAMS = {"ar": {"hidden": 16, "depth": 1}, "ar_transformer": {"width": 16, "depth": 1}, "gmm": {"components": 3},
          "hmm": {"restarts": 2, "iterations": 30}}  # fmt: skip


def test_they_are_all_there():
    asked = {"ar", "ar_gaussian", "ar_linear", "ar_transformer", "gaussian", "gmm", "hmm", "naive", "seasonal_naive"}
    assert asked <= set(FORECASTERS)


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_forecast_is_the_conditional_of_the_density(name):
    """p(x_L | x_1 … x_{L−1}) against p(x_1 … x_L) / ∫ p(x_1 … x_{L−1}, t) dt by the trapezoid rule."""
    data = genbench.load_dataset("hmm_gaussian", length=5)
    model = genbench.load_model(name, **PARAMS.get(name, {})).fit(data.sample(500, seed=0), kind="series", budget="20")
    x = data.sample(8, seed=1)
    t = np.linspace(-25, 25, 2001)
    grid = np.concatenate([np.repeat(x[:, None, :-1], len(t), 1), np.tile(t, (8, 1))[..., None]], axis=2)
    log_p = model.log_prob(grid.reshape(-1, 5)).reshape(8, -1)
    mass = trapezoid(np.exp(log_p), t, axis=1)
    error = 1e-3 if hasattr(model.model, "training_loss") else 1e-6  # float32, or float64
    np.testing.assert_allclose(
        model.forecast(x[:, :-1]).log_prob(x[:, -1]), model.log_prob(x) - np.log(mass), atol=error
    )


def test_who_does_not_forecast_says_so():
    x = np.random.default_rng(0).normal(size=(50, 4))
    with pytest.raises(GenbenchError, match="does not forecast"):
        genbench.load_model("memoriser").fit(x).forecast(x[:, 1:])
    with pytest.raises(GenbenchError, match=r"needs histories \[n, 3\]"):
        genbench.load_model("gaussian").fit(x).forecast(x)
    model = genbench.load_model("ar", order="reversed", hidden=8, depth=1).fit(x, kind="series", budget="2")
    with pytest.raises(GenbenchError, match="leave it out to forecast"):
        model.forecast(x[:, 1:])
