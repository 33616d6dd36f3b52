"""Independent axes against mixtures that are known, and closed forms."""

import numpy as np
import pytest

import genbench
from genbench.numerics.independent_axes import IndependentAxes

RNG = np.random.default_rng(0)
SOURCES = np.column_stack([RNG.uniform(-1, 1, 20_000), RNG.laplace(size=20_000), RNG.choice([-1.0, 1.0], 20_000)])
MIXING = np.array([[3.0, 1.0, -1.0], [0.5, 0.02, 2.0], [-1.0, 4.0, 1.0]])
X = SOURCES @ MIXING.T + [10.0, -3.0, 0.0]


@pytest.fixture(scope="module")
def axes():
    return IndependentAxes.fit(X)


def test_it_finds_the_sources_of_a_linear_mixture(axes):
    both = np.abs(np.corrcoef(axes.forward(X).T, SOURCES.T)[:3, 3:])
    assert np.sort(both.max(axis=0))[0] > 0.999
    assert sorted(both.argmax(axis=0)) == [0, 1, 2]


def test_its_parts_agree_with_each_other(axes):
    z = axes.forward(X)
    np.testing.assert_allclose(np.cov(z.T, bias=True), np.eye(3), atol=1e-3)
    np.testing.assert_allclose(axes.inverse(z), X, atol=1e-9)
    assert axes.log_det == pytest.approx(-0.5 * np.linalg.slogdet(np.cov(X.T, bias=True))[1], abs=1e-3)
    steps = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(axes.moved(steps), axes.inverse(z[:5] + steps) - X[:5], atol=1e-9)
    # f(z) = Σ z³ has the gradient 3 z², and f(z(x)) that of a difference quotient
    there = [(axes.forward(X[:5] + h) ** 3).sum(axis=1) for h in (1e-5 * np.eye(3)[1], -1e-5 * np.eye(3)[1])]
    np.testing.assert_allclose(axes.slope(3 * z[:5] ** 2)[:, 1], (there[0] - there[1]) / 2e-5, rtol=1e-5, atol=1e-6)


def test_it_finds_the_planes_of_a_rotated_product_and_puts_their_axes_half_a_point_apart():
    data = genbench.load_dataset("product", copies=8)
    x = data.sample(20_000, seed=1)
    z = IndependentAxes.fit(x).forward(x)
    functions = np.concatenate([z**2, np.abs(z), z], axis=1)
    dependence = np.abs(np.corrcoef(functions.T)).reshape(3, 16, 3, 16).max(axis=(0, 2))
    np.fill_diagonal(dependence, 0)
    # of two moons each coordinate depends on one other; 0.04 is six standard errors of no correlation
    assert dependence.argmax(axis=1).tolist() == [*range(8, 16), *range(8)]
    assert np.sort(dependence, axis=1)[:, -2].max() < 0.04 < dependence.max(axis=1).min()


@pytest.mark.parametrize(
    "x",
    [np.column_stack([X, X[:, 0]]), np.column_stack([X, np.ones(len(X))]), X[:6], X[:, :1]],
    ids=["singular", "constant", "few", "line"],
)
def test_there_is_none_where_the_covariance_has_no_inverse(x):
    assert IndependentAxes.fit(x) is None


def test_it_is_the_same_each_time_and_takes_heavy_tails():
    x = RNG.standard_t(1.5, size=(5000, 4))
    one, two = IndependentAxes.fit(x), IndependentAxes.fit(x)
    assert np.array_equal(one.unmixing, two.unmixing)
    assert np.isfinite(one.forward(x)).all()
