"""Linear autoregression is the Gaussian of maximum likelihood."""

import numpy as np
import pytest
import sklearn.datasets
from sklearn.linear_model import LinearRegression

import genbench
from genbench.core.errors import GenbenchError


def cloud(n, d, seed=0):
    """Correlated points with a mean and scales of their own."""
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(n, d)) @ np.random.default_rng(9).normal(size=(d, d)) * 10.0 ** rng.integers(-2, 3) + 5


@pytest.mark.parametrize("d", [1, 2, 5, 16, 64])
def test_it_equals_the_gaussian_control(d):
    x, new = cloud(2000, d), 2 * cloud(100, d, seed=1)
    own, control = (genbench.load_model(name).fit(x) for name in ("ar_gaussian", "gaussian"))
    np.testing.assert_allclose(own.log_prob(new), control.log_prob(new), rtol=1e-12, atol=1e-8)


@pytest.mark.parametrize("name", ["load_wine", "load_breast_cancer", "load_diabetes"])
def test_it_equals_the_gaussian_control_on_tables(name):
    x = getattr(sklearn.datasets, name)(return_X_y=True)[0]
    own, control = (genbench.load_model(name).fit(x) for name in ("ar_gaussian", "gaussian"))
    np.testing.assert_allclose(own.log_prob(x), control.log_prob(x), rtol=0, atol=1e-8)


def test_coefficients_are_those_of_scikit_learns_regressions():
    x = cloud(500, 4)
    model = genbench.load_model("ar_gaussian", ridge=0).fit(x)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for i in range(1, 4):
        peer = LinearRegression().fit(z[:, :i], z[:, i])
        np.testing.assert_allclose(model.model.coefficients[i, :i], peer.coef_, atol=1e-9)
        residual = z[:, i] - peer.predict(z[:, :i])
        assert model.model.std[i] == pytest.approx(residual.std(), abs=1e-9)
    assert (np.triu(model.model.coefficients) == 0).all()
    assert model.parameters == 4 + 4 + 6


def test_samples_have_the_moments_of_the_data():
    x = cloud(2000, 3)
    samples = genbench.load_model("ar_gaussian").fit(x).sample(100_000)
    scale = x.std(axis=0)
    # A mean is off by 0.0032 standard deviations, a covariance by at most 0.0045 of theirs, at one standard error.
    np.testing.assert_allclose((samples.mean(axis=0) - x.mean(axis=0)) / scale, 0, atol=0.016)
    np.testing.assert_allclose((np.cov(samples.T) - np.cov(x.T)) / np.outer(scale, scale), 0, atol=0.023)


def test_a_column_that_others_determine_has_a_finite_density():
    x = cloud(300, 2)
    x = np.column_stack([x, x.sum(axis=1), np.ones(300)])
    model = genbench.load_model("ar_gaussian").fit(x)
    assert np.isfinite(model.log_prob(x)).all()
    assert np.isfinite(model.sample(10)).all()


def test_a_negative_ridge_is_refused():
    with pytest.raises(GenbenchError, match="ridge must not be negative"):
        genbench.load_model("ar_gaussian", ridge=-1)
