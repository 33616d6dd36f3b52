"""The worst direction of Gaussians, where it is known."""

import numpy as np
import pytest

from genbench import load_dataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.max_sliced_w2 import max_sliced_w2, non_gaussian, worst_direction


def test_the_worst_direction_of_a_stretched_gaussian():
    """N(0, I) against N(0, I + (s² − 1) a aᵀ): along a W2 is s − 1, and less along any other direction."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal(20)
    a /= np.linalg.norm(a)
    x, y = rng.standard_normal((2, 5_000, 20))
    x += (1.6 - 1) * (x @ a)[:, None] * a
    assert abs(worst_direction(x, y, rng) @ a) > 0.98


def test_it_is_the_distance_along_that_direction():
    dataset = load_dataset("gaussian_mixture", dim=16, separation=1e-6)  # a standard Gaussian
    x = dataset.sample(20_000, seed=1)
    x[:, 3] += 0.7
    # Standard errors: that of a mean of 10,000 draws, 0.01, and of the direction's angle, which counts twice.
    assert max_sliced_w2(Evidence(dataset, x, x[:10], None, seed=0)) == pytest.approx(0.7, abs=0.04)


def test_the_truth_is_not_blamed_for_what_was_searched_for():
    """On the points that found the direction the distance is larger than on others, in 64 dimensions by half."""
    dataset = load_dataset("gaussian_mixture", dim=64, separation=1e-6)
    x = dataset.sample(4_000, seed=1)
    evidence = Evidence(dataset, x, x[:10], None, seed=0)
    theta = worst_direction(x[:2_000], evidence.reference[:2_000], evidence.rng("max_sliced_w2"))
    along = [np.sort(points[:2_000] @ theta) for points in (x, evidence.reference)]
    found = float(np.sqrt(np.square(along[0] - along[1]).mean()))
    assert max_sliced_w2(evidence) < 0.8 * found


def test_on_a_line_there_is_one_direction():
    assert worst_direction(np.zeros((5, 1)), np.ones((5, 1)), np.random.default_rng(0)) == [1.0]


def test_the_pursuit_finds_the_axes_of_a_rotated_cube():
    """Of a rotated uniform distribution on a cube, kurtosis is extreme along its edges alone, and least there."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((16, 16)))[0]
    u = rng.uniform(-1, 1, (20_000, 16))
    x = u * np.geomspace(0.01, 100, 16) @ turn.T  # edges of very different lengths
    along = x @ non_gaussian(x, 8, rng).T
    correlation = np.corrcoef(along, u, rowvar=False)[:8, 8:]
    assert np.abs(correlation).max(axis=1).min() > 0.99


def test_the_pursuit_leaves_out_directions_of_no_variance():
    x = np.full((100, 3), 1e200)
    x[0] = -1e200  # whose covariance is beyond double precision
    assert non_gaussian(x, 4, np.random.default_rng(0)).shape == (0, 3)
    x = np.zeros((100, 3))
    assert non_gaussian(x, 4, np.random.default_rng(0)).shape == (0, 3)
    x[:, 1] = np.arange(100)
    assert np.abs(non_gaussian(x, 4, np.random.default_rng(0))) == pytest.approx(np.array([[0, 1, 0]] * 4))


def test_a_gaussian_is_seen_behind_many_rotated_moons():
    """From random directions alone, the ascent finds the moons of 64 dimensions in nine of ten draws."""
    dataset = load_dataset("product", copies=32)
    truth = dataset.sample(20_000, seed=0)
    x = np.random.default_rng(3).multivariate_normal(truth.mean(axis=0), np.cov(truth.T), size=20_000)
    found = max_sliced_w2(Evidence(dataset, x, truth[:10], None, seed=3))
    assert found > 0.2  # moons against a Gaussian: 0.25; the truth against itself: 0.02
