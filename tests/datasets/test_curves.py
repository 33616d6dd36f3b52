import numpy as np
import pytest
from scipy.integrate import quad
from sklearn.datasets import make_circles, make_moons, make_s_curve, make_swiss_roll

from genbench import load_dataset
from genbench.numerics.quadrature import gauss_legendre, log_gaussian_sum

POSITIONS = np.linspace(0, 1, 50_001)[:-1]


def test_moons_are_scikit_learns():
    theirs, labels = make_moons(1_001, noise=None, shuffle=False)  # 500 points of the upper half, 501 of the lower
    moons = load_dataset("moons")
    for part, n in ((0, 500), (1, 501)):
        t = np.minimum(part / 2 + np.linspace(0, 0.5, n), np.nextafter((part + 1) / 2, 0))
        np.testing.assert_allclose(moons.path(t), theirs[labels == part], atol=1e-12)
        np.testing.assert_array_equal(moons.label(t), part)


def test_circles_are_scikit_learns():
    theirs, labels = make_circles(1_000, noise=None, factor=0.5, random_state=0)
    circles = load_dataset("circles", noise=0.001)
    ours, ours_labels = circles.draw(POSITIONS, np.random.default_rng(0))
    for label, radius in ((0, 1.0), (1, 0.5)):
        np.testing.assert_allclose(np.linalg.norm(theirs[labels == label], axis=1), radius, atol=1e-12)
        # The mean of 25,000 radii strays by 0.001 / √25,000 = 6e-6; 5e-5 is eight standard errors.
        assert np.linalg.norm(ours[ours_labels == label], axis=1).mean() == pytest.approx(radius, abs=5e-5)


def test_s_curve_and_swiss_roll_are_scikit_learns():
    x, t = make_s_curve(2_000, random_state=0)
    np.testing.assert_allclose(load_dataset("s_curve").path(t / (3 * np.pi) + 0.5), x[:, [0, 2]], atol=1e-12)
    x, t = make_swiss_roll(2_000, random_state=0)
    ours = load_dataset("swiss_roll").path((t / (1.5 * np.pi) - 1) / 2)
    np.testing.assert_allclose(ours, x[:, [0, 2]] / 10, atol=1e-12)


@pytest.mark.parametrize("name", ["moons", "swiss_roll", "s_curve", "two_spirals"])
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.3, 1.0])
def test_density_is_the_integral_along_the_curve(name, noise):
    curve = load_dataset(name, noise=noise)
    rng = np.random.default_rng(0)
    u = rng.random(6)
    x = curve.path(curve.place(u)) + noise * rng.uniform(-4, 4, (6, 2))

    def gaussian(v, point):
        square = ((point - curve.path(curve.place(np.array([v])))) ** 2).sum()
        return np.exp(-0.5 * square / noise**2) / (2 * np.pi * noise**2)

    edges = np.linspace(0, 1, 201)  # an adaptive rule over u itself, without the change of variable
    for point, value in zip(x, curve.log_prob(x), strict=True):
        middles = (edges[1:] + edges[:-1]) / 2
        near = np.linalg.norm(curve.path(curve.place(middles)) - point, axis=1) < 9 * noise + 0.3
        parts = [
            quad(gaussian, a, b, args=(point,), epsabs=1e-14, epsrel=1e-11)[0]
            for a, b in zip(edges[:-1][near], edges[1:][near], strict=True)
        ]
        assert value == pytest.approx(np.log(sum(parts)), abs=1e-8)


@pytest.mark.parametrize("name", ["moons", "swiss_roll", "s_curve", "two_spirals"])
def test_place_and_mass_belong_together(name):
    curve = load_dataset(name)
    u = np.array([0.1, 0.3, 0.6, 0.95])
    h = 1e-6
    slope = 2 * h / (curve.place(u + h) - curve.place(u - h))
    np.testing.assert_allclose(curve.mass(curve.place(u)), slope, rtol=1e-6)
    assert np.exp(curve.nodes[1]).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("noise", [0.02, 0.2, 1.0])
def test_bessel_form_of_circles_is_the_integral_over_the_angle(noise):
    circles = load_dataset("circles", noise=noise, factor=0.4)
    angle = 2 * np.pi * np.arange(2_000) / 2_000
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    centres = np.concatenate([ring, 0.4 * ring])
    x = np.random.default_rng(0).uniform(-2, 2, (500, 2))
    expected = log_gaussian_sum(x, centres, np.full(4_000, -np.log(4_000)), noise)
    np.testing.assert_allclose(circles.log_prob(x), expected, rtol=1e-11)


def test_noise_of_nearly_a_point_is_nearly_a_gaussian():
    """With noise far wider than the curve, the entropy is that of a Gaussian with the covariance of both."""
    moons = load_dataset("moons", noise=30.0)
    t, w = gauss_legendre(np.linspace(0, 1, 101))
    c = moons.path(t)
    c = c - w @ c
    covariance = (w * c.T) @ c + 900 * np.eye(2)
    gaussian = np.log(2 * np.pi * np.e) + 0.5 * np.linalg.slogdet(covariance)[1]
    assert moons.entropy == pytest.approx(gaussian, abs=1e-6)


def test_small_noise_has_the_entropy_of_a_strip():
    """Away from its ends a noisy curve of uniform speed is a strip: log(length) + the entropy of the noise across it."""
    noise = 0.004
    across = 0.5 * np.log(2 * np.pi * np.e * noise**2)
    # The ends, four of them, blur over some noise / length each: a correction of order 4 · 0.004 / 2π.
    assert load_dataset("moons", noise=noise).entropy == pytest.approx(np.log(2 * np.pi) + across, abs=4e-3)
    circles = load_dataset("circles", noise=noise)
    two_rings = 0.5 * (np.log(4 * np.pi) + np.log(2 * np.pi)) + across
    assert circles.entropy == pytest.approx(two_rings, abs=1e-4)
