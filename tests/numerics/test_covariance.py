"""Covariances of few points, beside scikit-learn's."""

import numpy as np
import pytest

from genbench.numerics.covariance import covariance, shrunk


def correlated(n, d):
    rng = np.random.default_rng(d)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 5


@pytest.mark.parametrize(("n", "d"), [(2, 1), (2, 3), (30, 50), (50, 50), (99, 50)])
def test_few_points_are_shrunk_as_by_scikit_learn(n, d):
    from sklearn.covariance import oas

    x = correlated(n, d)
    np.testing.assert_allclose(covariance(x), oas(x)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(100, 50), (20_000, 2), (3, 1)])
def test_three_points_a_dimension_are_left_as_they_are(n, d):
    x = correlated(n, d)
    np.testing.assert_array_equal(covariance(x), np.cov(x.T, bias=True).reshape(d, d))


def test_points_without_spread():
    np.testing.assert_array_equal(covariance(np.ones((4, 3))), np.zeros((3, 3)))


def test_round_points_become_round():
    assert shrunk(np.diag([1.0, 2.0, 3.0]), 2.0) == pytest.approx(2 * np.eye(3))
