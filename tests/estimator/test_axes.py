"""`axes=independent`: what a model says in its own axes is true in those of the data."""

import numpy as np
import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError, WeightsDoNotFit
from genbench.downstream.imputation import fill
from genbench.numerics.independent_axes import IndependentAxes

RNG = np.random.default_rng(0)
TURN = np.array([[2.0, -0.9], [0.3, 0.2]])
X = np.column_stack([RNG.uniform(-1, 1, 3000), RNG.laplace(size=3000)]) @ TURN.T + [5.0, -3.0]


@pytest.fixture(scope="module")
def flow():
    return genbench.load_model("spline_flow", axes="independent").fit(X, budget="60")


def test_the_model_sees_the_sources(flow):
    assert isinstance(flow.standardiser, IndependentAxes)
    z = flow.standardiser.forward(X)
    assert np.abs(z).max(axis=0).min() < 2  # one of them is even between ±√3, which no other axis is
    assert not flow.aligned


def test_a_density_integrates_to_one_and_its_gradient_is_the_score(flow):
    edges = [np.linspace(low, high, 401) for low, high in ((-25, 35), (-8, 2))]
    middles = [(e[1:] + e[:-1]) / 2 for e in edges]
    points = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(flow.log_prob(points)).sum() * np.prod([e[1] - e[0] for e in edges])
    assert mass == pytest.approx(1, abs=0.01)
    h = 1e-3
    there = [flow.log_prob(X[:20] + h * step) - flow.log_prob(X[:20] - h * step) for step in np.eye(2)]
    difference = np.stack(there, axis=1) / (2 * h)  # of single precision: to 1e-3
    assert np.median(np.abs(difference - flow.score(X[:20])) / (1 + np.abs(difference))) < 0.01


def test_samples_have_the_datas_covariance(flow):
    np.testing.assert_allclose(np.cov(flow.sample(20_000).T), np.cov(X.T), rtol=0.2, atol=0.03)


def test_a_velocity_is_that_of_the_way_of_the_samples():
    model = genbench.load_model("cfm", axes="independent", solver="euler", steps=8).fit(X, budget="20")
    way = model.trajectory(30)
    step = (way.points[4] - way.points[3]) / (way.times[4] - way.times[3])
    np.testing.assert_allclose(model.velocity(way.points[3], float(way.times[3])), step, rtol=1e-3, atol=1e-3)


def test_what_is_known_is_heeded_where_axes_are_mixed():
    """x₂ given x₁ of a correlation of 0.9: N(0.9 x₁, 0.19). 200 draws at two points: standard errors of 0.03.

    RePaint is biased; a mask on the mixed axes, or a projection along the unknown coordinate, gives 0.1 for 0.9.
    """
    x = RNG.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 4000)
    model = genbench.load_model("cfm", axes="independent").fit(x, budget="600")
    filled = fill(model, np.array([[1.0, 9.0], [-1.5, 9.0]]), np.array([True, False]), 200)
    assert filled.way == "guided"
    np.testing.assert_allclose(filled.x[:, :, 1].mean(axis=1), [0.9, -1.35], atol=0.25)
    assert filled.x[:, :, 1].std(axis=1).max() < 0.7


def test_what_needs_the_coordinates_themselves_says_so():
    model = genbench.load_model("ar", axes="independent").fit(X, budget="5")
    with pytest.raises(GenbenchError, match="axes=independent, which mix the coordinates"):
        model.forecast(X[:3, :1])
    assert fill(model, X[:2], np.array([True, False]), 3).way == "importance"
    assert genbench.load_model("cfm", axes="independent").fit(X[:, :1], budget="5").aligned  # one has no others


def test_axes_are_stored_with_the_weights(flow):
    """Of Gaussian coordinates, a search over nearly the same points finds other axes."""
    weights = flow.weights()
    noise = np.random.default_rng(1).normal(size=(3000, 2))
    restored = genbench.load_model("spline_flow", axes="independent").restore(weights, noise)
    np.testing.assert_array_equal(restored.log_prob(X[:50]), flow.log_prob(X[:50]))
    assert restored.weights().keys() == weights.keys()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"axes: mean": torch.zeros(3)}, "axes: mean has shape .3,. instead of .2,."),
        ({"axes: mean": None}, "missing axes: mean"),
        ({"axes: unmixing": torch.ones(2, 2)}, "axes: unmixing has no inverse"),
        ({"axes: unmixing": torch.full((2, 2), torch.nan)}, "axes: unmixing has no inverse"),
    ],
)
def test_wrong_axes_are_refused(flow, change, reason):
    weights = {name: value for name, value in (flow.weights() | change).items() if value is not None}
    with pytest.raises(WeightsDoNotFit, match=reason):
        genbench.load_model("spline_flow", axes="independent").restore(weights, X)
