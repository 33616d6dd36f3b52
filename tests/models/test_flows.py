import numpy as np
import pytest
import torch
from scipy.stats import chi2

import genbench
from genbench.core.errors import GenbenchError
from genbench.core.selection import parse

FLOWS = ["coupling_flow", "spline_flow"]
COVARIANCE = np.array([[1.0, 0.8, 0.2], [0.8, 2.0, -0.5], [0.2, -0.5, 0.5]])


def bent(n, seed=0):
    """A curved cloud: x1 normal, x2 normal around x1²/2."""
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=n)
    return np.stack([x1, 0.5 * x1**2 + 0.4 * rng.normal(size=n)], axis=1)


@pytest.fixture(scope="module", params=[*FLOWS, "coupling_flow[components=0]"])
def trained(request):
    spec = parse(request.param)
    return genbench.load_model(spec.name, **spec.params).fit(bent(5000), budget="200")


def grid(step):
    first, second = np.arange(-8, 8, step) + step / 2, np.arange(-6, 20, step) + step / 2
    return np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)


def test_density_integrates_to_one(trained):
    cells = grid(0.05)
    assert np.exp(trained.log_prob(cells.reshape(-1, 2))).sum() * 0.05**2 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", FLOWS)
def test_density_integrates_to_one_after_a_single_step(name):
    model = genbench.load_model(name).fit(bent(1000), budget="1")
    assert np.exp(model.log_prob(grid(0.1).reshape(-1, 2))).sum() * 0.1**2 == pytest.approx(1, abs=0.01)


def test_samples_agree_with_density(trained):
    """Binned χ²: counts of samples in cells of 0.5 × 0.5 against the integral of the density over the cell."""
    fine, coarse = 0.05, 10
    density = np.exp(trained.log_prob(grid(fine).reshape(-1, 2))).reshape(320, 520) * fine**2
    share = density.reshape(320 // coarse, coarse, 520 // coarse, coarse).sum(axis=(1, 3))
    n = 20_000
    x = trained.sample(n, seed=1)
    counts = np.histogram2d(x[:, 0], x[:, 1], bins=[np.linspace(-8, 8, 33), np.linspace(-6, 20, 53)])[0]
    full = share * n >= 10
    expected = np.append(share[full] * n, n * (1 - share[full].sum()))
    observed = np.append(counts[full], n - counts[full].sum())
    statistic = ((observed - expected) ** 2 / expected).sum()
    # A false alarm once in 10,000 seeds.
    assert statistic < chi2.ppf(1 - 1e-4, len(expected) - 1)


@pytest.mark.parametrize("name", FLOWS)
def test_excess_nll_on_a_correlated_gaussian(name):
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(COVARIANCE)
    noise = rng.normal(size=(5000, 3))
    model = genbench.load_model(name).fit(rng.normal(size=(20_000, 3)) @ root.T, budget="400")
    truth = -0.5 * (noise**2).sum(axis=1) - np.log(np.diag(root)).sum() - 1.5 * np.log(2 * np.pi)
    excess = truth - model.log_prob(noise @ root.T)
    assert excess.mean() < 0.02


@pytest.mark.parametrize("name", FLOWS)
def test_learns_what_a_gaussian_cannot(name):
    x, held_out = bent(10_000), bent(5000, seed=1)
    model = genbench.load_model(name).fit(x, budget="300")
    truth = -0.5 * held_out[:, 0] ** 2 - 0.5 * ((held_out[:, 1] - 0.5 * held_out[:, 0] ** 2) / 0.4) ** 2
    truth -= np.log(2 * np.pi * 0.4)
    excess = (truth - model.log_prob(held_out)).mean()
    baseline = (truth - genbench.load_model("gaussian").fit(x).log_prob(held_out)).mean()
    assert baseline > 0.4
    assert excess < 0.05


@pytest.mark.parametrize(
    "params",
    [
        {"transform": "additive", "mixing": "permutation"},
        {"mixing": "rotation", "actnorm": True},
        {"mixing": "permutation", "actnorm": True},
    ],
)
def test_every_composition_learns_and_inverts(params):
    """NICE, and Glow's steps with other mixings: better than a Gaussian, and samples map back to their noise."""
    x, held_out = bent(10_000), bent(5000, seed=1)
    model = genbench.load_model("coupling_flow", couplings=4, hidden=32, **params).fit(x, budget="200")
    gaussian = genbench.load_model("gaussian").fit(x)
    assert (model.log_prob(held_out) - gaussian.log_prob(held_out)).mean() > 0.2
    z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        back, _ = model.model.flow(model.model.flow.inverse(z))
    torch.testing.assert_close(back, z, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_any_dimension_and_a_batch_of_one(name, d):
    x = np.random.default_rng(0).normal(size=(40, d))
    model = genbench.load_model(name, batch_size=1).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert model.log_prob(x[:1]).shape == (1,)
    assert np.isfinite(model.log_prob(100 * x)).all()


@pytest.mark.parametrize("name", FLOWS)
def test_same_seed_same_bits(name):
    first, second = (genbench.load_model(name).fit(bent(1000), seed=3, budget="60") for _ in range(2))
    np.testing.assert_array_equal(first.sample(50, seed=1), second.sample(50, seed=1))
    np.testing.assert_array_equal(first.log_prob(bent(50)), second.log_prob(bent(50)))


@pytest.mark.parametrize("name", FLOWS)
def test_nll_shifts_by_log_two_a_dimension_when_data_are_doubled(name):
    x, held_out = bent(1000), bent(500, seed=1)
    once = genbench.load_model(name).fit(x, budget="50").log_prob(held_out)
    twice = genbench.load_model(name).fit(2 * x, budget="50").log_prob(2 * held_out)
    np.testing.assert_allclose(once - twice, 2 * np.log(2), atol=1e-4)


def test_a_spline_flow_in_one_dimension_is_not_just_a_gaussian():
    rng = np.random.default_rng(0)
    x = np.where(rng.random((5000, 1)) < 0.5, -2, 2) + 0.5 * rng.normal(size=(5000, 1))
    model = genbench.load_model("spline_flow").fit(x[:4000], budget="400")
    held_out = x[4000:, 0]
    truth = np.logaddexp(-0.5 * ((held_out - 2) / 0.5) ** 2, -0.5 * ((held_out + 2) / 0.5) ** 2) - np.log(
        np.sqrt(2 * np.pi)
    )
    assert (truth - model.log_prob(x[4000:])).mean() < 0.05


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("coupling_flow", {"couplings": 0}, "couplings must be at least 1"),
        ("coupling_flow", {"hidden": 0}, "hidden must be at least 1"),
        ("coupling_flow", {"depth": 0}, "depth must be at least 1"),
        ("coupling_flow", {"clamp": 0.0}, "clamp must be positive"),
        ("coupling_flow", {"frequencies": -1}, "frequencies must not be negative"),
        ("coupling_flow", {"components": -1}, "components must not be negative"),
        ("coupling_flow", {"transform": "cubic"}, "transform must be one of affine, additive"),
        ("coupling_flow", {"mixing": "none"}, "mixing must be one of linear, permutation, rotation"),
        ("spline_flow", {"couplings": 0}, "couplings must be at least 1"),
        ("spline_flow", {"bins": 1}, "bins must be at least 2"),
        ("spline_flow", {"bins": 1000}, "bins must be at most 500"),
        ("spline_flow", {"bound": -1.0}, "bound must be positive"),
        ("spline_flow", {"hidden": 0}, "hidden must be at least 1"),
        ("spline_flow", {"depth": 0}, "depth must be at least 1"),
        ("spline_flow", {"frequencies": -1}, "frequencies must not be negative"),
    ],
)
def test_values_out_of_range_are_refused(name, params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model(name, **params)


@pytest.mark.parametrize("name", FLOWS)
def test_float32_samples_map_back_to_their_noise(name):
    model = genbench.load_model(name).fit(bent(2000), budget="100").model
    z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        back, _ = model.flow(model.flow.inverse(z))
    torch.testing.assert_close(back, z, rtol=0, atol=1e-3)
