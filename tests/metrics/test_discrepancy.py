"""MMD² and energy distance against naive sums and closed forms for Gaussians."""

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.metrics.discrepancy import discrepancy, mean_between, mean_within, squared_distances
from genbench.metrics.energy import energy, negative_distance
from genbench.metrics.mmd2 import gaussian_mixture_kernel, median_distance, mmd2

SCALES = (0.25, 0.5, 1, 2, 4)


class Line(SyntheticDataset):
    """A standard normal on the line whose draws are stratified as finely as can be."""

    shape = (1,)

    def draw(self, u, rng):
        return ndtri(np.clip(u, 1e-12, 1 - 1e-12))[:, None], None

    def log_density(self, x):
        return norm.logpdf(x[:, 0])


def evidence(mean: float, std: float, seed: int, sets: int = 4, size: int = 400) -> Evidence:
    x = mean + std * np.random.default_rng([seed, 77]).normal(size=(sets * size, 1))
    return Evidence(Line(), x, x[:10], None, seed=seed, protocol=Protocol(len(x), sets, size))


def naive_kernel(x, y, h):
    squared = ((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=-1)
    return sum(np.exp(-squared / (2 * (c * h) ** 2)) for c in SCALES) / len(SCALES)


def off_diagonal_mean(k):
    return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))


@pytest.mark.parametrize(("n", "m", "d"), [(450, 333, 2), (201, 700, 30), (2, 3, 1)])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_blocks_equal_the_naive_sums(n, m, d, offset):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, d)) + offset, 2 * rng.normal(size=(m, d)) + offset
    x[-1] = x[0]  # a memoriser's samples coincide
    distance = np.sqrt(((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=-1))
    within = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=-1))
    kernel = gaussian_mixture_kernel(1.3)
    np.testing.assert_allclose(squared_distances(x, y), distance**2, rtol=1e-8, atol=1e-10)
    assert mean_between(kernel, x, y) == pytest.approx(naive_kernel(x, y, 1.3).mean(), abs=1e-10)
    assert mean_within(kernel, x) == pytest.approx(off_diagonal_mean(naive_kernel(x, x, 1.3)), abs=1e-10)
    assert mean_between(negative_distance, x, y) == pytest.approx(-distance.mean(), rel=1e-10)
    assert mean_within(negative_distance, x) == pytest.approx(-off_diagonal_mean(within), rel=1e-10, abs=1e-7)


def test_one_point_has_no_pairs():
    with pytest.raises(ValueError, match="one point has no pairs"):
        mean_within(negative_distance, np.zeros((1, 2)))


def test_a_single_set_is_the_estimator_of_gretton():
    one = evidence(0.5, 1.5, seed=0, sets=1)
    (x, y) = one.sets[0]
    h = median_distance(y)
    expected = off_diagonal_mean(naive_kernel(x, x, h)) + off_diagonal_mean(naive_kernel(y, y, h))
    expected -= 2 * naive_kernel(x, y, h).mean()
    assert discrepancy(one, gaussian_mixture_kernel(h)) == pytest.approx(expected, abs=1e-10)


def test_mmd2_of_gaussians():
    """E k(X, Y) = √(σ²/(σ² + s²)) exp(−m²/2(σ² + s²)) for X − Y ~ N(m, s²) and a Gaussian kernel of bandwidth σ."""
    m, s, h = 0.5, 1.5, 0.9

    def expected_kernel(mean, variance):
        return np.mean(
            [
                c * h / math.hypot(c * h, variance**0.5) * math.exp(-(mean**2) / 2 / ((c * h) ** 2 + variance))
                for c in SCALES
            ]
        )

    truth = expected_kernel(0, 2 * s**2) + expected_kernel(0, 2) - 2 * expected_kernel(m, 1 + s**2)
    values = np.array([discrepancy(evidence(m, s, seed), gaussian_mixture_kernel(h)) for seed in range(20)])
    assert values.std() < 0.2 * truth
    assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / np.sqrt(20)  # by chance once in 1,300 seeds


def test_energy_of_gaussians():
    """E|Z| of Z ~ N(m, s²) is the mean of a folded normal."""
    m, s = 0.5, 1.5

    def folded(mean, std):
        return std * math.sqrt(2 / math.pi) * math.exp(-(mean**2) / 2 / std**2) + mean * math.erf(
            mean / std / math.sqrt(2)
        )

    truth = 2 * folded(m, math.hypot(1, s)) - folded(0, s * math.sqrt(2)) - folded(0, math.sqrt(2))
    values = np.array([energy(evidence(m, s, seed)) for seed in range(20)])
    assert values.std() < 0.3 * truth
    assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / np.sqrt(20)  # by chance once in 1,300 seeds


@pytest.mark.parametrize("metric", [mmd2, energy])
def test_the_truth_scores_0_on_average(metric):
    """Pairs within one stratified reference would put the mean below 0 by more than the noise; pairs of two do not."""
    values, naive = [], []
    for seed in range(60):
        truth = evidence(0, 1, seed, size=200)
        values.append(metric(truth))
        kernel = gaussian_mixture_kernel(median_distance(truth.sets[0][1])) if metric is mmd2 else negative_distance
        excess = [
            mean_within(kernel, y) - mean_between(kernel, y, truth.sets[k - 1][1])
            for k, (_, y) in enumerate(truth.sets)
        ]
        naive.append(values[-1] + np.mean(excess))
    error = np.std(values, ddof=1) / np.sqrt(60)
    assert abs(np.mean(values)) < 4 * error  # by chance once in 6,000 seeds
    assert np.mean(naive) < -8 * error


def test_bandwidth_is_the_median_distance_of_the_reference():
    y = np.array([[0.0], [1.0], [3.0]])  # distances 1, 2, 3
    assert median_distance(y) == pytest.approx(2, abs=1e-12)
    with pytest.raises(ValueError, match="coincide"):
        median_distance(np.ones((5, 2)))
    wide = evidence(0, 100, 0)  # a model cannot widen the kernel that judges it
    assert mmd2(wide) == discrepancy(wide, gaussian_mixture_kernel(median_distance(wide.sets[0][1])))
