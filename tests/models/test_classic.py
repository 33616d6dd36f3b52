"""gmm and kde against scikit-learn, scipy, quadrature and the truth."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2, multivariate_normal
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

import genbench
from genbench.core.errors import GenbenchError

CLASSIC = ("gmm", "kde")


@pytest.fixture(scope="module")
def moons():
    return genbench.load_dataset("moons")


@pytest.fixture(scope="module", params=CLASSIC)
def fitted(request, moons):
    """A model fitted to moons in odd units, and the map back."""
    x = moons.sample(3000, seed=0) * np.array([3.0, 0.2]) + np.array([100.0, -5.0])
    return genbench.load_model(request.param).fit(x), x


def grid(x: np.ndarray, cells: int):
    """Midpoints [cells², 2] of a grid that covers the points with room to spare, and the area of a cell."""
    low, high = x.min(axis=0) - x.std(axis=0), x.max(axis=0) + x.std(axis=0)
    axes = [a + (b - a) * (np.arange(cells) + 0.5) / cells for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2), np.prod((high - low) / cells), low, high


def test_density_integrates_to_1(fitted):
    model, x = fitted
    points, area, _, _ = grid(x, 400)
    assert np.exp(model.log_prob(points)).sum() * area == pytest.approx(1, abs=1e-3)


def test_samples_follow_the_density(fitted):
    """Binned χ² of 50,000 samples against the integral of the density over the bins, at level 1e-4."""
    model, x = fitted
    points, area, low, high = grid(x, 240)
    mass = np.exp(model.log_prob(points)).reshape(12, 20, 12, 20).sum(axis=(1, 3)).ravel() * area
    n = 50_000
    samples = model.sample(n, seed=1)
    count = np.histogram2d(*samples.T, bins=12, range=np.column_stack([low, high]))[0].ravel()
    large = n * mass > 20
    observed, expected = (np.append(a[large], n - a[large].sum()) for a in (count, n * mass))
    assert ((observed - expected) ** 2 / expected).sum() < chi2(large.sum()).isf(1e-4)
    first, last = samples[:5000], samples[-5000:]  # exchangeable: not ordered by component
    assert np.abs(first.mean(axis=0) - last.mean(axis=0)).max() < 5 * x.std(axis=0).max() / np.sqrt(2500)


def test_gmm_density_is_that_of_its_parameters(moons):
    x, new = 3 * moons.sample(2000, seed=0) + 7, 3 * moons.sample(300, seed=1) + 7
    model = genbench.load_model("gmm", components=5).fit(x)
    parts, scale = model.model.mixture, x.std(axis=0)
    means = parts.means_ * scale + x.mean(axis=0)
    covariances = parts.covariances_ * np.outer(scale, scale)
    each = [multivariate_normal(m, c).logpdf(new) for m, c in zip(means, covariances, strict=True)]
    np.testing.assert_allclose(
        model.log_prob(new), logsumexp(np.array(each).T + np.log(parts.weights_), axis=1), atol=1e-9
    )
    own = GaussianMixture(5)
    own.weights_, own.means_, own.covariances_ = parts.weights_, means, covariances
    own.precisions_cholesky_ = np.linalg.inv(np.linalg.cholesky(covariances)).transpose(0, 2, 1)
    np.testing.assert_allclose(model.log_prob(new), own.score_samples(new), atol=1e-9)
    assert model.parameters == own._n_parameters() == 4 + 5 * 2 + 5 * 3


@pytest.mark.parametrize("d", [1, 2, 6])
def test_kde_equals_scikit_learn(d):
    rng = np.random.default_rng(0)
    x, new = rng.standard_t(4, size=(700, d)) * 5 + 3, rng.standard_t(2, size=(400, d)) * 5 + 3
    model = genbench.load_model("kde").fit(x)
    unit = (new - x.mean(axis=0)) / x.std(axis=0)
    # one leaf, so a plain sum: with several, the tree's bounds cancel and far points are off by up to 200 nats
    peer = KernelDensity(bandwidth=model.model.width, leaf_size=1000).fit((x - x.mean(axis=0)) / x.std(axis=0))
    np.testing.assert_allclose(
        model.log_prob(new), peer.score_samples(unit) - np.log(x.std(axis=0)).sum(), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", ["moons", "ring", "checkerboard"])
def test_kde_bandwidth_is_near_the_best(name):
    """No bandwidth on a grid has a held-out likelihood more than 0.01 nats better, from fat curves to σ = 0.01."""
    data = genbench.load_dataset(name)
    x, new = data.sample(5000, seed=0), data.sample(2000, seed=1)
    chosen = -genbench.load_model("kde").fit(x).log_prob(new).mean()
    others = [-genbench.load_model("kde", bandwidth=h).fit(x).log_prob(new).mean() for h in np.geomspace(2e-3, 1, 20)]
    assert chosen < min(others) + 0.01


@pytest.mark.slow
def test_kde_of_many_points_asks_enough_of_them_for_its_bandwidth():
    """Of 200,000 points of a pinwheel: 100 of them, which miss its thin ends, chose bandwidths that left 0.03 to 0.3."""
    data = genbench.load_dataset("pinwheel")
    new = data.sample(10_000, seed=1)
    for seed in range(3):
        model = genbench.load_model("kde").fit(data.sample(200_000, seed=10 + seed), seed=seed)
        assert 0 < (data.log_prob(new) - model.log_prob(new)).mean() < 0.06


def test_kde_keeps_a_given_bandwidth():
    x = np.zeros((10, 2))
    model = genbench.load_model("kde", bandwidth=0.5).fit(x)
    np.testing.assert_allclose(
        model.log_prob(np.ones((3, 2))), multivariate_normal([0, 0], 0.25).logpdf([1, 1]), atol=1e-12
    )
    assert model.sample(20_000).std() == pytest.approx(0.5, rel=0.02)  # 5.6 s.e.


@pytest.mark.parametrize(("modes", "expected"), [(1, 1), (4, 4), (8, 8)])
def test_bic_finds_the_number_of_components(modes, expected):
    rng = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(modes) / modes
    centres = 10 * np.column_stack([np.cos(angle), np.sin(angle)])
    x = centres[rng.integers(modes, size=4000)] + rng.normal(size=(4000, 2))
    assert len(genbench.load_model("gmm").fit(x).model.mixture.weights_) == expected


@pytest.mark.parametrize("name", CLASSIC)
def test_excess_nll_on_gaussian_data(name):
    rng = np.random.default_rng(0)
    truth = multivariate_normal([1, -2], [[2, 0.8], [0.8, 0.5]])
    x, new = truth.rvs(20_000, random_state=rng), truth.rvs(5000, random_state=rng)
    excess = truth.logpdf(new).mean() - genbench.load_model(name).fit(x).log_prob(new).mean()
    assert -0.002 < excess < 0.02


@pytest.mark.parametrize("name", CLASSIC)
def test_nll_moves_by_d_log_2_when_the_data_double(name, moons):
    x, new = moons.sample(1000, seed=0), moons.sample(200, seed=1)
    one, two = (genbench.load_model(name).fit(a * x).log_prob(a * new) for a in (1, 2))
    np.testing.assert_allclose(one - two, 2 * np.log(2), atol=1e-9)


def test_another_seed_starts_em_elsewhere(moons):
    x = moons.sample(1000, seed=0)
    first, second = (genbench.load_model("gmm", components=8).fit(x, seed=seed).log_prob(x) for seed in (0, 1))
    assert np.abs(first - second).max() > 1e-6


@pytest.mark.parametrize("name", CLASSIC)
def test_same_seed_same_bits(name, moons):
    x = moons.sample(1000, seed=0)
    state = np.random.get_state()[1].copy()
    first, second = (genbench.load_model(name).fit(x, seed=3) for _ in range(2))
    assert (first.sample(500, seed=4) == second.sample(500, seed=4)).all()
    assert (first.log_prob(x) == second.log_prob(x)).all()
    assert not (first.sample(500, seed=5) == second.sample(500, seed=4)).any()
    assert (np.random.get_state()[1] == state).all()


def awkward_tables():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(341, 5)) @ rng.normal(size=(5, 30)) + 0.01 * rng.normal(size=(341, 30))
    return [
        pytest.param(wide, id="341 rows of nearly rank 5 in 30 dimensions"),
        pytest.param(np.column_stack([wide[:, :3], np.full(341, 4.0)]), id="a constant column"),
        pytest.param(rng.integers(3, size=(300, 2)).astype(float), id="nine distinct points"),
        pytest.param(rng.normal(size=(5, 2)), id="five points"),
        pytest.param(rng.normal(size=(500, 1)), id="the line"),
        pytest.param(rng.normal(size=(200, 64)), id="64 dimensions"),
    ]


@pytest.mark.parametrize("x", awkward_tables())
@pytest.mark.parametrize("name", CLASSIC)
def test_awkward_tables(name, x):
    model = genbench.load_model(name).fit(x)
    assert np.isfinite(model.log_prob(x)).all()
    assert np.isfinite(model.log_prob(x.mean(axis=0, keepdims=True) + 1e3)).all()
    assert model.sample(1).shape == (1, x.shape[1])
    assert model.sample(0).shape == (0, x.shape[1])


def test_one_point():
    with pytest.raises(GenbenchError, match="gmm needs at least 2 points"):
        genbench.load_model("gmm").fit(np.ones((1, 2)))
    model = genbench.load_model("kde").fit(np.ones((1, 2)))
    assert model.log_prob(np.ones((1, 2))) == pytest.approx(-np.log(2 * np.pi), abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(341, 30), (100, 64)])
def test_few_points_in_many_dimensions_do_not_collapse(n, d):
    """With free choice of components the ridge would be fitted instead of the data: thousands of nats on training points."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(d, d))
    x, new = rng.normal(size=(2, n, d)) @ mixing
    model = genbench.load_model("gmm").fit(x)
    gaussian = genbench.load_model("gaussian").fit(x)
    assert model.log_prob(new).mean() >= gaussian.log_prob(new).mean() - 0.1


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("gmm", {"components": 0}, "components must be at least 1"),
        ("gmm", {"restarts": 0}, "restarts must be at least 1"),
        ("gmm", {"ridge": 0}, "ridge must be positive"),
        ("gmm", {"tolerance": -1}, "tolerance must be positive"),
        ("kde", {"bandwidth": 0}, "bandwidth must be positive"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_reason(name, params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model(name, **params)
