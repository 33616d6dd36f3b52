"""Problems of many dimensions against independent computations: SciPy's distributions, quadrature, dense covariances."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.linalg import block_diag

from genbench import load_dataset
from genbench.datasets.products import rotation


def gaussian_plane():
    turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)  # columns: the axes of stretched_gaussian, at 45°
    return turn @ np.diag([4, 0.09]) @ turn.T


def test_a_rotation_is_orthogonal_and_has_no_favourite_direction():
    turns = np.array([rotation(3, seed) for seed in range(4000)])
    np.testing.assert_allclose(turns[0] @ turns[0].T, np.eye(3), atol=1e-12)
    # A coordinate of a uniform point of the sphere is uniform on [−1, 1] (Archimedes). Level 1e-5 for each of nine.
    for i, j in np.ndindex(3, 3):
        assert stats.kstest(turns[:, i, j], stats.uniform(-1, 2).cdf).pvalue > 1e-5


def test_a_product_of_gaussians_is_a_gaussian():
    dataset = load_dataset("product", of="stretched_gaussian", copies=3, seed=5)
    turn = rotation(6, 5)
    truth = stats.multivariate_normal(np.zeros(6), turn @ block_diag(*[gaussian_plane()] * 3) @ turn.T)
    x = np.random.default_rng(0).normal(size=(100, 6))
    np.testing.assert_allclose(dataset.log_prob(x), truth.logpdf(x))
    assert dataset.entropy == pytest.approx(truth.entropy())
    # Standard errors of a covariance of 100,000 draws are at most 4 √(2 / 100,000) = 0.018.
    np.testing.assert_allclose(np.cov(dataset.sample(100_000).T), truth.cov, atol=0.09)


def test_copies_are_independent_and_like_the_original():
    dataset, moons = load_dataset("product", copies=3, rotate=False), load_dataset("moons")
    x = dataset.sample(20_000)
    for first in (0, 2, 4):
        for column in (0, 1):  # level 1e-5 for each of six
            assert stats.ks_2samp(x[:, first + column], moons.sample(20_000, seed=9)[:, column]).pvalue > 1e-5
    apart = np.abs(np.corrcoef(x.T))[np.kron(np.eye(3), np.ones((2, 2))) == 0]
    assert apart.max() < 5 / np.sqrt(20_000)


def test_noise_around_a_plane():
    dataset = load_dataset("noisy", of="stretched_gaussian", dim=5, noise=0.1, seed=2)
    turn = rotation(5, 2)
    truth = stats.multivariate_normal(np.zeros(5), turn @ block_diag(gaussian_plane(), 0.01 * np.eye(3)) @ turn.T)
    x = truth.rvs(100, random_state=0)
    np.testing.assert_allclose(dataset.log_prob(x), truth.logpdf(x))
    assert dataset.entropy == pytest.approx(truth.entropy())
    off = dataset.sample(10_000) @ turn[:, 2:]
    assert stats.kstest(off.ravel() / 0.1, "norm").pvalue > 1e-5


def test_student_t_is_scipys():
    dataset, truth = load_dataset("student_t", dof=3.0, dim=4), stats.multivariate_t(np.zeros(4), np.eye(4), df=3)
    x = truth.rvs(100, random_state=0)
    np.testing.assert_allclose(dataset.log_prob(x), truth.logpdf(x))
    assert dataset.entropy == pytest.approx(truth.entropy())
    squares = (dataset.sample(20_000) ** 2).sum(axis=1)
    assert stats.kstest(squares / 4, stats.f(4, 3).cdf).pvalue > 1e-5


def test_log_normal_is_scipys():
    dataset, truth = load_dataset("log_normal", dim=3, sigma=0.7), stats.lognorm(0.7)
    x = truth.rvs((100, 3), random_state=0)
    np.testing.assert_allclose(dataset.log_prob(x), truth.logpdf(x).sum(axis=1))
    assert dataset.log_prob(-x).max() == -np.inf
    assert dataset.entropy == pytest.approx(3 * float(truth.entropy()))
    assert stats.kstest(dataset.sample(10_000).ravel(), truth.cdf).pvalue > 1e-5


def test_scales_are_a_product_in_other_units():
    dataset, product = load_dataset("scales"), load_dataset("product", copies=4, rotate=False)
    x = product.sample(100)
    np.testing.assert_allclose(dataset.log_prob(x * dataset.units), product.log_prob(x) - np.log(dataset.units).sum())
    assert sorted(dataset.units) == pytest.approx(np.geomspace(1e-3, 1e3, 8))
    np.testing.assert_allclose(dataset.sample(50, seed=3), product.sample(50, seed=3) * dataset.units)


def test_copula_has_its_margins_and_its_rank_correlation():
    dataset = load_dataset("copula", dim=3, correlation=0.6, dof=4.0)
    margin, chain = stats.t(4), 0.6 ** np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    x = dataset.sample(20_000)
    for column in x.T:
        assert stats.kstest(column, margin.cdf).pvalue > 1e-5
    rank = stats.spearmanr(x).statistic
    np.testing.assert_allclose(rank, 6 / np.pi * np.arcsin(chain / 2), atol=5 / np.sqrt(20_000))
    z = stats.norm.ppf(margin.cdf(x[:100]))
    by_hand = stats.multivariate_normal(np.zeros(3), chain).logpdf(z) - stats.norm.logpdf(z).sum(axis=1)
    np.testing.assert_allclose(dataset.log_prob(x[:100]), by_hand + margin.logpdf(x[:100]).sum(axis=1))
    assert np.isfinite(dataset.log_prob(np.full((1, 3), 1e12))).all(), "far out in the upper tail no digit is lost"


def test_a_chain_is_told_link_by_link():
    dataset = load_dataset("chain", dim=4, amplitude=1.0, frequency=3.0, noise=0.2, seed=2)
    assert sorted(dataset.order) == [0, 1, 2, 3]
    assert list(dataset.order) != [0, 1, 2, 3]
    x = dataset.sample(5_000)
    links = x[:, dataset.order]
    nats = stats.norm.logpdf(links[:, 0])
    for i in range(3):
        rest = links[:, i + 1] - np.sin(3 * links[:, i])
        assert stats.kstest(rest / 0.2, "norm").pvalue > 1e-5
        nats += stats.norm.logpdf(rest, scale=0.2)
    np.testing.assert_allclose(dataset.log_prob(x), nats)


def test_many_well_is_normalised_and_drawn_from_its_density():
    dataset = load_dataset("many_well", dim=4)

    def well(a):
        return np.exp(-(a**4) + 6 * a**2 + a / 2)

    constant, _ = quad(well, -6, 6, limit=200, epsabs=1e-8)
    x = dataset.sample(20_000)
    by_hand = np.log(well(x[:50, ::2]) / constant) + stats.norm.logpdf(x[:50, 1::2])
    np.testing.assert_allclose(dataset.log_prob(x[:50]), by_hand.sum(axis=1), rtol=1e-9)
    right = quad(well, 0, 6, limit=200)[0] / constant
    for column in (0, 2):
        assert abs((x[:, column] > 0).mean() - right) < 5 * np.sqrt(right * (1 - right) / 20_000)
        at = np.linspace(-2.5, 2.5, 21)
        shares = [quad(well, -6, a, limit=200)[0] / constant for a in at]
        assert np.abs((x[:, column, None] < at).mean(axis=0) - shares).max() < 5 * 0.5 / np.sqrt(20_000)
    line, weight = np.linspace(-4, 4, 4001), 8 / 4000
    log_p = np.log(well(line) / constant)
    entropy = 2 * (-(np.exp(log_p) * log_p).sum() * weight + stats.norm.entropy())
    assert dataset.entropy == pytest.approx(entropy, abs=1e-8)


@pytest.mark.parametrize(("name", "params"), [("rare_modes", {"dim": 3, "components": 4}), ("gmm40", {"dim": 3})])
def test_mixtures_are_scipys(name, params):
    dataset = load_dataset(name, **params)
    x, labels = dataset.labelled_sample(1_000)
    parts = [
        np.log(w) + stats.multivariate_normal(mean, dataset.mode_std**2 * np.eye(3)).logpdf(x)
        for w, mean in zip(dataset.weights, dataset.modes, strict=True)
    ]
    np.testing.assert_allclose(dataset.log_prob(x), np.logaddexp.reduce(parts))
    np.testing.assert_allclose(dataset.log_joint(x).T, parts)
    counts = np.bincount(labels, minlength=dataset.classes)
    assert stats.chisquare(counts, 1_000 * dataset.weights).pvalue > 1e-5
    assert dataset.weights.sum() == pytest.approx(1)


def test_rare_modes_halve():
    np.testing.assert_allclose(load_dataset("rare_modes", components=4).weights, [1 / 2, 1 / 4, 1 / 8, 1 / 8])


def test_mixtures_of_factor_analysers_are_mixtures_of_gaussians():
    dataset = load_dataset("correlated_mixture", dim=5, components=3, rank=2, separation=1.0)
    x, labels = dataset.labelled_sample(3_000)
    covariances = [L @ L.T + np.diag(psi) for L, psi in zip(dataset.loadings, dataset.noise, strict=True)]
    parts = [
        stats.multivariate_normal(m, c).logpdf(x) - np.log(3) for m, c in zip(dataset.means, covariances, strict=True)
    ]
    np.testing.assert_allclose(dataset.log_prob(x), np.logaddexp.reduce(parts))
    np.testing.assert_allclose(dataset.log_joint(x).T, parts)
    for k, covariance in enumerate(covariances):
        np.testing.assert_allclose(np.linalg.eigvalsh(covariance), [0.01] * 3 + [1.0] * 2)
        # Norms of whitened points are chi-square; level 1e-5 for each of three.
        white = np.linalg.solve(np.linalg.cholesky(covariance), (x[labels == k] - dataset.means[k]).T)
        assert stats.kstest((white**2).sum(axis=0), stats.chi2(5).cdf).pvalue > 1e-5


def test_known_digits_are_recognised_as_the_digits_they_were_fitted_to():
    """Bayes' rule of the mixture names 97 % of scikit-learn's digits, dequantised: they look like its own.

    No value is near 1 in single precision, where log p would be −∞.
    """
    from sklearn.datasets import load_digits

    dataset = load_dataset("known_digits")
    levels, digits = load_digits(return_X_y=True)
    x = 0.1 + 0.8 * (levels + np.random.default_rng(0).random(levels.shape)) / 17
    joint = dataset.log_joint(x.reshape(-1, 1, 8, 8))
    assert (joint.argmax(axis=1) == digits).mean() > 0.97
    np.testing.assert_allclose(np.logaddexp.reduce(joint, axis=1), dataset.log_prob(x.reshape(-1, 1, 8, 8)))
    assert dataset.sample(20_000).max() < 1 - 1e-5


def test_textures_are_a_gaussian_field_behind_a_curve():
    dataset = load_dataset("textures", size=8)
    along = np.fft.ifft2(dataset.spectrum).real  # the covariance of two pixels by their distance on the torus
    rows, columns = np.divmod(np.arange(64), 8)
    covariance = along[np.subtract.outer(rows, rows) % 8, np.subtract.outer(columns, columns) % 8]
    np.testing.assert_allclose(np.diag(covariance), 1.0)
    x = dataset.sample(20_000)
    z = 1.5 * stats.norm.ppf(x.reshape(-1, 64))
    slope = stats.norm.logpdf(z / 1.5) - np.log(1.5)  # of the curve
    by_hand = stats.multivariate_normal(np.zeros(64), covariance).logpdf(z[:100]) - slope[:100].sum(axis=1)
    np.testing.assert_allclose(dataset.log_prob(x[:100]), by_hand)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=6 * np.sqrt(2 / 20_000))


def test_digits_of_28_pixels_are_fitted_to_mnist_once(tmp_path, monkeypatch):
    """To scikit-learn's digits in its place, three times as large and with a white edge."""
    from sklearn.datasets import load_digits

    from genbench.datasets import factor_mixtures
    from genbench.datasets.images import MNIST

    levels, digits = load_digits(return_X_y=True)
    large = np.kron(15 * levels.reshape(-1, 1, 8, 8), np.ones((1, 1, 3, 3)))
    pictures = np.pad(large, ((0, 0), (0, 0), (2, 2), (2, 2))).astype(np.uint8)
    asked = []
    monkeypatch.setattr(MNIST, "pixels", lambda self: asked.append(self) or ((pictures, digits), None))
    monkeypatch.setattr(factor_mixtures, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(factor_mixtures, "ITERATIONS", 3)
    dataset = load_dataset("known_digits", size=28)
    x, labels = dataset.labelled_sample(500, seed=1)
    assert x.shape == (500, 1, 28, 28)
    assert np.abs(x[:, 0, :2] - factor_mixtures.EDGE).max() < 0.02, "the edge is white but for the noise"
    assert (dataset.log_joint(x).argmax(axis=1) == labels).mean() > 0.95
    again = load_dataset("known_digits", size=28)
    assert len(asked) == 1, "the fit is kept"
    assert again.fingerprint() == dataset.fingerprint() != load_dataset("known_digits").fingerprint()
