import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm

import genbench
from genbench.core.errors import GenbenchError

LEVELS = 4


def grey_pictures(n, shape=(1, 2, 2), seed=0):
    """Pictures of LEVELS levels whose pixels resemble each other, dequantised."""
    rng = np.random.default_rng(seed)
    brightness = rng.random((n, 1, 1, 1))
    k = rng.binomial(LEVELS - 1, 0.1 + 0.8 * brightness, size=(n, *shape))
    return (k + rng.random(k.shape)) / LEVELS


def gaussian_pictures(n, seed=0, size=4):
    """Pictures 1×4×4 of a Gaussian whose covariance falls off with the distance, and their exact log-density."""
    y, x = np.divmod(np.arange(size**2), size)
    distance = np.hypot(y[:, None] - y, x[:, None] - x)
    truth = multivariate_normal(np.linspace(-1, 1, size**2), 4 * np.exp(-distance / 2))
    points = truth.rvs(n, random_state=seed)
    return points.reshape(n, 1, size, size), truth.logpdf(points)


def load(**params):
    small = {"couplings": 2, "hidden": 16, "patch": 3, "scales": 1}
    plain = {"components": 0, "bins": 0, "whiten": True}
    return genbench.load_model("glow", **small | plain | params)


def fitted(x, budget="20", levels=LEVELS, seed=0, **params):
    return load(**params).fit(x, kind="image", levels=levels, budget=budget, seed=seed)


def wake(model, std=0.3):
    """Give the last layers of couplings weights that a short training leaves near zero."""
    torch.manual_seed(0)
    for name, p in model.model.flow.named_parameters():
        if "rest.3" in name:
            torch.nn.init.normal_(p, std=std)
    return model


@pytest.mark.parametrize("inputs", ["gaussianised", "logit"])
@pytest.mark.parametrize(("whiten", "bins", "components"), [(False, 0, 0), (True, 0, 0), (True, 4, 0), (False, 4, 3)])
def test_the_density_of_pictures_integrates_to_one(inputs, whiten, bins, components):
    """E p(U) = 1 for uniform pictures U, by 60,000 of them."""
    params = {"inputs": inputs, "whiten": whiten, "bins": bins, "components": components}
    model = wake(fitted(grey_pictures(500), alpha=0.001, **params))
    density = np.exp(model.log_prob(np.random.default_rng(0).random((60_000, 1, 2, 2))))
    error = density.std() / len(density) ** 0.5
    assert error < 0.03
    assert density.mean() == pytest.approx(1, abs=4 * error + 0.002)


@pytest.mark.parametrize(
    ("inputs", "bins", "components"), [("gaussianised", 0, 0), ("logit", 0, 0), ("gaussianised", 4, 0), ("logit", 0, 3)]
)
def test_samples_agree_with_the_density(inputs, bins, components):
    """Shares of the sixteen black-and-white versions of a picture, among samples and by integrating the density."""
    model = wake(fitted(grey_pictures(500), inputs=inputs, bins=bins, components=components, alpha=0.001))

    def code(x):
        return ((x.reshape(-1, 4) > 0.5) @ [1, 2, 4, 8]).astype(int)

    x = model.sample(10_000)
    uniform = np.random.default_rng(0).random((60_000, 1, 2, 2))
    observed = np.bincount(code(x), minlength=16) / len(x)
    expected = np.bincount(code(uniform), np.exp(model.log_prob(uniform)), minlength=16) / len(uniform)
    assert ((x >= 0) & (x <= 1)).all()
    np.testing.assert_allclose(observed, expected, rtol=0, atol=0.02)


@pytest.mark.parametrize(
    "params", [{}, {"whiten": False}, {"bins": 8}, {"inputs": "logit"}, {"inputs": "standardised"}]
)
@pytest.mark.parametrize(("shape", "scales"), [((1, 8, 8), 2), ((3, 8, 12), 1)])
def test_float32_pictures_come_back_from_their_noise(params, shape, scales):
    x = grey_pictures(300, shape)
    model = wake(fitted(x, scales=scales, **params), std=0.1 if "bins" in params else 0.3).model  # splines fold more
    x = torch.tensor(x[:50], dtype=torch.float32)
    with torch.no_grad():
        y = x
        for layer in model.to_line:
            y, _ = layer(y)
        z, _ = model.flow(y)
        torch.testing.assert_close(model._decode(z), x, rtol=0, atol=1e-4)


def test_an_untrained_whitened_flow_is_the_full_covariance_gaussian():
    x, _ = gaussian_pictures(20_000)
    model = load(inputs="standardised", lr=1e-12).fit(x, x[:10], kind="image", budget="1")
    held_out, truth = gaussian_pictures(2000, seed=1)
    excess = truth - model.log_prob(held_out)
    assert abs(excess.mean()) < 0.03


def test_an_untrained_flow_is_the_product_of_the_pixels_histograms():
    x = grey_pictures(4000)
    model = load(whiten=False, lr=1e-12).fit(x, x[:10], kind="image", levels=LEVELS, budget="1")
    k = np.floor(LEVELS * x).astype(int)
    share = np.stack([(k == level).mean(axis=0) for level in range(LEVELS)])
    expected = np.log(LEVELS * np.take_along_axis(share, k, axis=0)).sum(axis=(1, 2, 3))
    assert (model.log_prob(x) - expected).mean() == pytest.approx(0, abs=0.02)


def test_learns_a_correlated_gaussian_without_whitening():
    x, _ = gaussian_pictures(5000)
    held_out, truth = gaussian_pictures(2000, seed=1)
    model = fitted(x, "60", None, inputs="standardised", whiten=False, couplings=3, scales=2, lr=2e-2)
    independent = norm(x.mean(axis=0), x.std(axis=0)).logpdf(held_out).sum(axis=(1, 2, 3))
    assert (truth - independent).mean() > 4
    assert (truth - model.log_prob(held_out)).mean() < 0.5


def test_nll_shifts_by_the_logarithm_of_the_unit_when_standardised_pictures_are_scaled():
    x, _ = gaussian_pictures(300)
    once, eight = (fitted(a * x, "3", None, inputs="standardised").log_prob(a * x[:50]) for a in (1, 8))
    np.testing.assert_allclose(once - eight, 16 * np.log(8), rtol=0, atol=1e-4)


def test_pictures_outside_the_grey_scale_have_no_density():
    model = fitted(grey_pictures(100), "2")
    assert model.log_prob(np.full((1, 1, 2, 2), 1.01)) == -np.inf
    assert np.isfinite(model.log_prob(np.stack([np.zeros((1, 2, 2)), np.ones((1, 2, 2))]))).all()


def test_same_seed_same_bits_and_weights_that_are_put_back():
    x = grey_pictures(200, (1, 4, 4))
    first, second = (fitted(x, "5", seed=3) for _ in range(2))
    restored = load().restore(first.weights(), x, kind="image", levels=LEVELS)
    for other in (second, restored):
        np.testing.assert_array_equal(first.sample(20, seed=1), other.sample(20, seed=1))
        np.testing.assert_array_equal(first.log_prob(x[:20]), other.log_prob(x[:20]))


def test_every_weight_learns():
    x = torch.tensor(grey_pictures(100, (3, 4, 4)), dtype=torch.float32)
    model = load(scales=2).model
    model.levels = LEVELS
    model.build((3, 4, 4))
    model.prepare(x)
    model.train()
    model.training_loss(x).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_training_sees_fresh_noise_and_evaluation_does_not():
    model = fitted(grey_pictures(100), "2").model
    x = torch.tensor(grey_pictures(20), dtype=torch.float32)
    model.train()
    assert model.training_loss(x) != model.training_loss(x)
    model.eval()
    assert model.training_loss(x) == model.training_loss(x)


def test_temperature_narrows_samples():
    x = grey_pictures(500)
    cold, cool, plain = (fitted(x, "5", temperature=t) for t in (0.0, 0.5, 1.0))
    assert cold.sample(50).std(axis=0).max() < 1e-6
    assert cool.sample(500).std(axis=0).mean() < 0.8 * plain.sample(500).std(axis=0).mean()
    np.testing.assert_array_equal(cool.log_prob(x), plain.log_prob(x))


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"couplings": 0}, "couplings must be at least 1"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"scales": 0}, "scales must be at least 1"),
        ({"patch": 2}, "patch=2 must be odd"),
        ({"bins": 1}, "bins=1 must be 0, for affine couplings, or lie between 2 and 500"),
        ({"clamp": 0.0}, "clamp must be positive"),
        ({"inputs": "raw"}, "inputs must be one of gaussianised, logit, standardised"),
        ({"alpha": 0.5}, "alpha must be below 0.5"),
        ({"temperature": -1.0}, "temperature must not be negative"),
    ],
)
def test_values_out_of_range_are_refused(params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model("glow", **params)


def test_pictures_of_odd_size_are_refused():
    with pytest.raises(GenbenchError, match="7×7 pixels cannot be halved 1 times; .* pad or crop"):
        fitted(np.zeros((10, 1, 7, 7)))


@pytest.mark.parametrize(("params", "steps"), [({"components": 0, "bins": 0, "whiten": True}, "10"), ({}, "20")])
def test_digits_are_soon_better_than_a_gaussian(params, steps):
    data = genbench.load_dataset("digits").splits(0)
    model = genbench.load_model("glow", **params)
    model.fit(data.train, data.validation, kind="image", levels=17, budget=steps)
    gaussian = multivariate_normal(data.train.reshape(-1, 64).mean(axis=0), np.cov(data.train.reshape(-1, 64).T))
    nll, baseline = -model.log_prob(data.test).mean(), -gaussian.logpdf(data.test.reshape(-1, 64)).mean()
    assert baseline == pytest.approx(-51, abs=2)
    assert nll < baseline - 30
