"""Mixtures of Gaussians on the line: densities, quantiles and CRPS against SciPy and numerical integrals."""

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from genbench.numerics.mixture import Mixture

RNG = np.random.default_rng(0)
WEIGHTS = RNG.dirichlet(np.ones(3), 4)
MIXTURE = Mixture(np.log(WEIGHTS), RNG.normal(size=(4, 3)), RNG.uniform(0.3, 1.5, (4, 3)))
Y = RNG.normal(size=4)


def by_parts(function, i):
    return WEIGHTS[i] @ function(MIXTURE.means[i], MIXTURE.stds[i])


def test_density_and_distribution_are_weighted_sums():
    for i, y in enumerate(Y):
        density, distribution = by_parts(partial(norm.pdf, y), i), by_parts(partial(norm.cdf, y), i)
        assert MIXTURE.log_prob(Y)[i] == pytest.approx(np.log(density), abs=1e-12)
        assert MIXTURE.cdf(Y)[i] == pytest.approx(distribution, abs=1e-12)


@pytest.mark.parametrize("q", [0.025, 0.5, 0.99])
def test_quantiles_invert_the_distribution(q):
    np.testing.assert_allclose(MIXTURE.cdf(MIXTURE.quantile(q)), q, atol=1e-12)


def test_crps_is_the_integral_of_the_squared_difference():
    for i, y in enumerate(Y):

        def square(t, i=i, y=y):
            return (by_parts(lambda m, s: norm.cdf(t, m, s), i) - (t >= y)) ** 2

        integral = quad(square, -15, y, limit=200)[0] + quad(square, y, 15, limit=200)[0]
        assert MIXTURE.crps(Y)[i] == pytest.approx(integral, abs=1e-7)


def test_crps_of_a_gaussian_at_its_mean_is_known():
    one = Mixture.gaussian(np.array([2.0]), 3.0)
    assert one.crps(np.array([2.0]))[0] == pytest.approx(3 * (np.sqrt(2) - 1) / np.sqrt(np.pi))


def test_units_change_by_the_rules():
    y = 2.5 * Y - 1
    other = MIXTURE.affine(2.5, -1)
    np.testing.assert_allclose(other.log_prob(y), MIXTURE.log_prob(Y) - np.log(2.5), atol=1e-12)
    np.testing.assert_allclose(other.crps(y), 2.5 * MIXTURE.crps(Y), atol=1e-12)
    np.testing.assert_allclose(other.mean, 2.5 * MIXTURE.mean - 1, atol=1e-12)


def test_draws_have_its_moments():
    # Five standard errors of 50,000 draws: a correct sampler fails once in a million seeds.
    many = Mixture(*(np.tile(a[:1], (50_000, 1)) for a in (MIXTURE.log_weights, MIXTURE.means, MIXTURE.stds)))
    x = many.sample(np.random.default_rng(1))
    assert abs(x.mean() - MIXTURE.mean[0]) < 5 * MIXTURE.std[0] / np.sqrt(len(x))
    assert x.std() == pytest.approx(MIXTURE.std[0], rel=0.03)


def test_nan_and_shapes_are_noticed():
    assert MIXTURE.is_sound
    assert not Mixture(MIXTURE.log_weights, MIXTURE.means * np.nan, MIXTURE.stds).is_sound
    assert not Mixture(MIXTURE.log_weights, MIXTURE.means, -MIXTURE.stds).is_sound
    assert not Mixture(MIXTURE.log_weights[:, :2], MIXTURE.means, MIXTURE.stds).is_sound
