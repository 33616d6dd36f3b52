import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from genbench import load_dataset
from genbench.datasets.mixtures import confusion


def test_eight_gaussians_have_the_published_scale():
    dataset = load_dataset("eight_gaussians")
    np.testing.assert_allclose(np.linalg.norm(dataset.modes, axis=1), 4 / np.sqrt(2))
    assert dataset.mode_std == pytest.approx(0.5 / np.sqrt(2))
    assert dataset.modes.shape == (8, 2)
    np.testing.assert_allclose(dataset.modes.sum(axis=0), 0, atol=1e-12)


def test_ring_and_grid_are_pacgans():
    ring, grid = load_dataset("ring"), load_dataset("grid")
    np.testing.assert_allclose(np.linalg.norm(ring.modes, axis=1), 1)
    assert (len(ring.modes), ring.mode_std) == (8, 0.01)
    assert {tuple(m) for m in grid.modes} == {(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    assert grid.mode_std == 0.05


def test_far_apart_the_entropy_is_that_of_one_gaussian_and_of_the_choice():
    for name, k, std in (("ring", 8, 0.01), ("grid", 25, 0.05)):
        expected = np.log(k) + np.log(2 * np.pi * np.e * std**2)
        assert load_dataset(name).entropy == pytest.approx(expected, abs=1e-7)
    far = load_dataset("gaussian_mixture", dim=7, components=6, separation=40.0)
    assert far.entropy == pytest.approx(np.log(6) + 3.5 * np.log(2 * np.pi * np.e), abs=1e-9)


def test_nearly_together_the_entropy_is_that_of_one_gaussian():
    near = load_dataset("gaussian_mixture", dim=5, components=4, separation=1e-3)
    assert near.entropy == pytest.approx(2.5 * np.log(2 * np.pi * np.e), abs=1e-4)
    assert near.entropy > 2.5 * np.log(2 * np.pi * np.e) - 1e-5


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("eight_gaussians", {}),
        ("grid", {}),
        ("gaussian_mixture", {"dim": 3, "components": 5, "separation": 2.0}),
        ("gaussian_mixture", {"dim": 64, "components": 64}),
    ],
)
def test_density_is_scipys(name, params):
    dataset = load_dataset(name, **params)
    d = dataset.shape[0]
    x = np.concatenate([dataset.sample(300), np.random.default_rng(0).normal(scale=5, size=(300, d))])
    parts = [multivariate_normal(mean, dataset.mode_std**2 * np.eye(d)).logpdf(x) for mean in dataset.modes]
    expected = logsumexp(parts, axis=0) - np.log(len(parts))
    np.testing.assert_allclose(dataset.log_prob(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("std", [0.354, 0.7, 1.2])
def test_two_ways_to_the_entropy_agree(std):
    dataset = load_dataset("eight_gaussians", std=std)
    by_confusion = np.log(2 * np.pi * np.e * std**2) + np.log(8) - confusion(dataset.modes / std, dataset.weights)
    assert dataset.entropy == pytest.approx(by_confusion, abs=2e-5)


def test_confusion_of_two_gaussians_is_a_line_integral():
    """H(K|X) for means ±a on a line: ∫ N(x; a, 1) h(sigmoid(2ax)) dx, with h the entropy of a coin."""
    for a in (0.5, 2.0, 4.0):
        x = np.linspace(-15, 25, 200_001)
        log_pi = -np.logaddexp(0, [-2 * a * x, 2 * a * x])  # (2, n)
        coin = -(np.exp(log_pi) * log_pi).sum(axis=0)
        expected = np.trapezoid(np.exp(-0.5 * (x - a) ** 2) / np.sqrt(2 * np.pi) * coin, x)
        assert confusion(np.array([[-a], [a]]), np.array([0.5, 0.5]), 16) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("dim", "components"), [(2, 8), (3, 8), (8, 8), (64, 8), (9, 2), (64, 64)])
def test_the_nearest_means_are_the_asked_distance_apart(dim, components):
    modes = load_dataset("gaussian_mixture", dim=dim, components=components, separation=5.0).modes
    gaps = np.linalg.norm(modes[:, None] - modes, axis=-1)[np.triu_indices(components, 1)]
    assert gaps.min() == pytest.approx(5.0)
    assert modes.shape == (components, dim)


def test_labels_name_the_mode_that_a_point_was_drawn_around():
    ring = load_dataset("ring")
    x, labels = ring.labelled_sample(2_000)
    nearest = np.linalg.norm(x[:, None] - ring.modes, axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(nearest, labels)


def test_stratified_reference_halves_the_noise_of_w2():
    """W2 between two sets of 800 points: two stratified ones are much closer than two independent ones."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    dataset = load_dataset("eight_gaussians")

    def w2(a, b):
        cost = cdist(a, b, "sqeuclidean")
        return np.sqrt(cost[linear_sum_assignment(cost)].mean())

    stratified = np.mean([w2(dataset.reference(800, s), dataset.reference(800, s + 10)) for s in range(4)])
    independent = np.mean([w2(dataset.sample(800, s), dataset.sample(800, s + 10)) for s in range(4)])
    assert stratified < 0.6 * independent
