import numpy as np
import pytest
from scipy.special import logsumexp

from genbench.numerics.quadrature import (
    gauss_legendre,
    log_gaussian_sum,
    neighbourhoods,
    normal_quantile,
    planar_entropy,
)


def test_gauss_legendre_is_exact_for_polynomials():
    x, w = gauss_legendre(np.array([0.0, 0.5, 2.0]), order=4)
    assert w @ x**7 == pytest.approx(2**8 / 8, rel=1e-14)
    assert len(x) == 8


@pytest.mark.parametrize("std", [0.002, 0.1, 3.0])
@pytest.mark.parametrize("spread", [0.1, 1.0, 100.0])
def test_leaving_out_far_terms_changes_nothing(std, spread):
    rng = np.random.default_rng(0)
    centres, weights = rng.normal(size=(3_000, 2)), np.log(rng.random(3_000) ** 8)
    x = spread * rng.normal(size=(1_500, 2))
    squares = ((x[:, None] - centres) ** 2).sum(axis=-1) / std**2  # (n, k)
    expected = logsumexp(weights - 0.5 * squares, axis=1) - np.log(2 * np.pi * std**2)
    np.testing.assert_allclose(log_gaussian_sum(x, centres, weights, std), expected, rtol=1e-12, atol=1e-11)


def test_neighbourhoods_are_a_partition_and_spare_work():
    rng = np.random.default_rng(0)
    centres, x = rng.random((5_000, 2)), rng.random((20_000, 2))
    parts = list(neighbourhoods(x, centres, np.zeros(5_000), 0.005))
    assert sorted(np.concatenate([block for block, _ in parts])) == list(range(20_000))
    assert sum(len(block) * len(near) for block, near in parts) < 0.1 * 5_000 * 20_000


@pytest.mark.parametrize("half", [1.0, 2.0, 2.7, 3.5, 5.0])
def test_planar_entropy_is_right_to_seven_digits(half):
    """Two Gaussians, 2 · half apart: one integral across them by a fine rule, and a Gaussian along the other axis."""
    centres = np.array([[-half, 0.0], [half, 0.0]])

    def log_density(x):
        return log_gaussian_sum(x, centres, np.log([0.5, 0.5]), 1.0)

    x = np.linspace(-half - 12, half + 12, 40_001)
    log_p = np.logaddexp(-0.5 * (x - half) ** 2, -0.5 * (x + half) ** 2) - 0.5 * np.log(8 * np.pi)
    expected = -np.trapezoid(np.exp(log_p) * log_p, x) + 0.5 * np.log(2 * np.pi * np.e)
    assert planar_entropy(log_density, centres, 1.0) == pytest.approx(expected, abs=1e-7)


def test_planar_entropy_does_not_depend_on_the_place_of_the_tiles():
    values = []
    for shift in (0.0, 0.123, 77.7):
        centres = np.array([[shift, -shift]])
        values.append(planar_entropy(lambda x, c=centres: log_gaussian_sum(x, c, np.zeros(1), 0.3), centres, 0.3))
    assert values == pytest.approx([np.log(2 * np.pi * np.e * 0.09)] * 3, abs=1e-12)


def test_normal_quantile_is_finite_at_zero():
    assert normal_quantile(np.array([0.0, 0.5, 0.975])) == pytest.approx([-8.29, 0, 1.96], abs=0.01)
