"""Mixtures of factor analysers: what EM finds, against the mixture that was drawn from and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import FactorAnalysis

from genbench.numerics.factor_analysis import fit_analysers


def covariances(found):
    return np.stack([part @ part.T + np.diag(psi) for part, psi in zip(found.loadings, found.noise, strict=True)])


def log_density(found, x):
    parts = [
        np.log(w) + multivariate_normal(m, c).logpdf(x)
        for w, m, c in zip(found.weights, found.means, covariances(found), strict=True)
    ]
    return np.logaddexp.reduce(parts, axis=0)


def test_one_analyser_is_factor_analysis():
    """The likelihood is scikit-learn's own maximum."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2_000, 2)) @ rng.standard_normal((2, 6)) + rng.uniform(0.2, 1.0, 6) * rng.standard_normal(
        (2_000, 6)
    )
    found = fit_analysers(x, 1, 2, 1e-6, 1_000, np.random.default_rng(1))
    reference = FactorAnalysis(2, tol=1e-9, max_iter=5_000).fit(x)
    assert log_density(found, x).mean() == pytest.approx(reference.score(x), abs=1e-4)


def test_two_analysers_are_told_apart():
    rng = np.random.default_rng(2)
    loadings = rng.standard_normal((2, 5, 1))
    which = rng.random(20_000) < 0.3
    x = np.where(which[:, None], 3.0, -3.0) + 0.3 * rng.standard_normal((20_000, 5))
    x += rng.standard_normal((20_000, 1)) * loadings[which.astype(int), :, 0]
    found = fit_analysers(x, 2, 1, 1e-6, 200, np.random.default_rng(3))
    order = np.argsort(found.weights)
    assert found.weights[order] == pytest.approx([0.3, 0.7], abs=0.02)  # standard error 0.003
    expected = loadings[::-1] @ loadings[::-1].transpose(0, 2, 1) + 0.09 * np.eye(5)
    assert covariances(found)[order] == pytest.approx(expected, abs=0.15)


def test_a_constant_coordinate_keeps_the_least_variance():
    x = np.random.default_rng(4).standard_normal((500, 3))
    x[:, 1] = 0.5
    found = fit_analysers(x, 2, 1, 0.01, 50, np.random.default_rng(5))
    assert covariances(found)[:, 1, 1] == pytest.approx(0.01, rel=0.05)
