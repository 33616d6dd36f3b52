import numpy as np
import pytest
from scipy.stats import chi2, kstest, multivariate_normal, norm

from genbench import load_dataset


def test_checkerboard_has_eight_squares_of_equal_mass():
    board = load_dataset("checkerboard")
    x = board.sample(80_000)
    cells = np.floor(0.45 * x).astype(int)
    squares, counts = np.unique(cells, axis=0, return_counts=True)
    assert {tuple(map(int, s)) for s in squares} == {
        (-2, 0), (-2, -2), (-1, 1), (-1, -1), (0, 0), (0, -2), (1, 1), (1, -1),
    }  # fmt: skip
    # Level 1e-5.
    assert ((counts - 10_000) ** 2 / 10_000).sum() < chi2.isf(1e-5, 7)
    inside = (0.45 * x - cells).ravel()
    assert kstest(inside, "uniform").pvalue > 1e-5


def test_checkerboard_density():
    board = load_dataset("checkerboard")
    black, white = np.array([[-1.5, 0.5], [0.5, -1.5], [1.5, 1.5]]), np.array([[-1.5, 1.5], [0.5, 0.9], [2.5, 0.5]])
    white[1] = [0.5, 1.1]
    np.testing.assert_allclose(board.log_prob(black / 0.45), np.log(0.45**2 / 8))
    assert (board.log_prob(white / 0.45) == -np.inf).all()
    assert np.isfinite(board.log_prob(board.sample(100_000, seed=4))).all()
    assert board.entropy == pytest.approx(np.log(8 / 0.45**2))


def test_stretched_gaussian_is_scipys():
    dataset = load_dataset("stretched_gaussian")
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)  # columns: the axes at 45°
    truth = multivariate_normal([0, 0], turn @ np.diag([4, 0.09]) @ turn.T)
    x = np.random.default_rng(0).normal(size=(100, 2))
    np.testing.assert_allclose(dataset.log_prob(x), truth.logpdf(x))
    assert dataset.entropy == pytest.approx(truth.entropy())


def test_pinwheel_without_twist_is_a_mixture_of_gaussians():
    dataset = load_dataset("pinwheel", arms=4, rate=0.0, radial=0.4, tangential=0.2)
    angles = np.pi / 2 * np.arange(4)
    x = np.random.default_rng(0).normal(size=(200, 2))
    p = 0
    for c, s in zip(np.cos(angles), np.sin(angles), strict=True):
        turn = np.array([[c, -s], [s, c]])
        p += multivariate_normal(turn @ [1, 0], turn @ np.diag([0.16, 0.04]) @ turn.T).pdf(x) / 4
    shift = dataset.rate * np.exp(np.linalg.norm(x, axis=1))
    assert (shift == 0).all()
    np.testing.assert_allclose(np.exp(dataset.log_prob(x)), p)


def test_the_twist_of_the_pinwheel_changes_no_entropy():
    entropies = [load_dataset("pinwheel", rate=rate).entropy for rate in (0.0, 0.25, 1.0)]
    assert entropies == pytest.approx([entropies[0]] * 3, abs=1e-12)
    # Arms so thin that they hardly meet: the entropy of one arm and of the choice among three.
    thin = load_dataset("pinwheel", arms=3, radial=0.1, tangential=0.1)
    assert thin.entropy == pytest.approx(np.log(2 * np.pi * np.e * 0.01) + np.log(3), abs=1e-6)


def test_banana_straightens_into_two_independent_normals():
    dataset = load_dataset("banana")
    x1, x2 = dataset.sample(50_000).T
    z = np.stack([x1 / 2.0, (x2 - 0.5 * (x1**2 - 4.0)) / 0.5], axis=1)
    # Level 1e-5 each.
    assert all(kstest(column, "norm").pvalue > 1e-5 for column in z.T)
    x = np.array([[1.0, -1.0], [3.0, 2.0]])
    expected = norm.logpdf(x[:, 0], 0, 2.0) + norm.logpdf(x[:, 1], 0.5 * (x[:, 0] ** 2 - 4.0), 0.5)
    np.testing.assert_allclose(dataset.log_prob(x), expected)


@pytest.mark.parametrize("dim", [2, 10, 64])
def test_funnel_is_neals(dim):
    dataset = load_dataset("funnel", dim=dim)
    x = dataset.sample(20_000)
    v = x[:, :1]
    # Level 1e-5 each.
    assert kstest(v[:, 0] / 3, "norm").pvalue > 1e-5
    assert kstest((x[:, 1:] * np.exp(-v / 2)).ravel(), "norm").pvalue > 1e-5
    expected = norm.logpdf(v[:, 0], 0, 3) + norm.logpdf(x[:, 1:], 0, np.exp(v / 2)).sum(axis=1)
    np.testing.assert_allclose(dataset.log_prob(x), expected)
    assert dataset.entropy == pytest.approx(0.5 * dim * np.log(2 * np.pi * np.e) + np.log(3))


@pytest.mark.parametrize("name", ["stretched_gaussian", "banana", "funnel", "pinwheel"])
def test_the_edge_positions_are_finite(name):
    x, _ = load_dataset(name).draw(np.array([0.0, np.nextafter(1, 0)]), np.random.default_rng(0))
    assert np.isfinite(x).all()
