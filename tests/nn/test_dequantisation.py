import math

import numpy as np
import pytest
import torch
from scipy.special import logit
from scipy.stats import norm

from genbench.nn.dequantisation import Gaussianise, Logit, dequantise

SHAPE, LEVELS = (2, 2, 3), 5


def training_pictures(n=400):
    """Levels that depend on the pixel; one pixel is always black."""
    rng = np.random.default_rng(0)
    k = rng.binomial(LEVELS - 1, np.linspace(0.1, 0.9, 12).reshape(SHAPE), size=(n, *SHAPE))
    k[:, 0, 0, 0] = 0
    return torch.tensor((k + rng.random(k.shape)) / LEVELS), k


def maps():
    gaussianise = Gaussianise(SHAPE, LEVELS)
    gaussianise.fit(training_pictures()[0])
    return [Logit(0.01), Logit(0.2), gaussianise, Gaussianise(SHAPE, 256)]


@pytest.mark.parametrize("bijection", maps())
def test_log_det_is_the_sum_of_autograds_log_slopes(bijection):
    x = torch.rand(7, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    y, log_det = bijection(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_det, slope.log().flatten(1).sum(dim=1), rtol=1e-9, atol=0)


@pytest.mark.parametrize("bijection", maps())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_inverse(bijection, dtype):
    x = torch.rand(200, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=dtype)
    y, log_det = bijection(x)
    back, back_log_det = bijection.inverse(y)
    assert y.dtype == back.dtype == log_det.dtype == dtype
    torch.testing.assert_close(back, x, rtol=0, atol=1e-6)
    torch.testing.assert_close(back_log_det, -log_det, rtol=0, atol=1e-2 if dtype is torch.float32 else 1e-6)


@pytest.mark.parametrize("bijection", maps())
def test_the_ends_of_the_scale_and_values_beyond_stay_finite(bijection):
    x = torch.tensor([0.0, 1.0, -0.1, 1.1], dtype=torch.float64).view(4, 1, 1, 1).expand(4, *SHAPE)
    y, log_det = bijection(x)
    assert torch.isfinite(y).all()
    assert torch.isfinite(log_det[:2]).all()
    assert (log_det[2:] == -math.inf).all(), "a picture outside [0, 1] has density 0"
    far = torch.tensor([-50.0, 50.0]).view(2, 1, 1, 1).expand(2, *SHAPE)
    assert ((bijection.inverse(far)[0] >= 0) & (bijection.inverse(far)[0] <= 1)).all()


def test_logit_is_scipys():
    x = torch.rand(3, *SHAPE, dtype=torch.float64)
    np.testing.assert_allclose(Logit(0.05)(x)[0], logit(0.05 + 0.9 * x.numpy()))


def test_untrained_gaussianisation_is_the_normal_quantile():
    x = torch.rand(3, *SHAPE, dtype=torch.float64)
    y, log_det = Gaussianise(SHAPE, LEVELS)(x)
    np.testing.assert_allclose(y, norm.ppf(x.numpy()))
    np.testing.assert_allclose(log_det, -norm.logpdf(y.numpy()).sum(axis=(1, 2, 3)))


def test_gaussianised_training_values_are_standard_normal_at_every_pixel():
    x = training_pictures(4000)[0]
    gaussianise = Gaussianise(SHAPE, LEVELS)
    gaussianise.fit(x)
    y = gaussianise(x)[0]
    torch.testing.assert_close(y.mean(dim=0), torch.zeros(SHAPE, dtype=torch.float64), rtol=0, atol=0.05)
    torch.testing.assert_close(y.std(dim=0), torch.ones(SHAPE, dtype=torch.float64), rtol=0, atol=0.05)


def test_normal_noise_behind_gaussianisation_is_the_product_of_smoothed_histograms():
    """log N(y; 0, I) + log |det dy/dx| = Σ log(levels · p_k): the noise within a level does not matter."""
    x, k = training_pictures()
    gaussianise = Gaussianise(SHAPE, LEVELS)
    gaussianise.fit(x)
    counts = np.stack([(k == level).sum(axis=0) for level in range(LEVELS)])  # (levels, c, h, w)
    pooled = counts.sum(axis=(2, 3), keepdims=True) + 1
    share = counts + 5 * pooled / pooled.sum(axis=0)
    share = share / share.sum(axis=0)
    y, log_det = gaussianise(x)
    density = torch.distributions.Normal(0, 1).log_prob(y).flatten(1).sum(dim=1) + log_det
    expected = np.log(LEVELS * np.take_along_axis(share, k, axis=0)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(density, expected, rtol=0, atol=1e-9)


def test_dequantised_again_pictures_keep_their_levels_and_get_fresh_uniform_noise():
    torch.manual_seed(0)
    x, k = training_pictures(2000)
    again = dequantise(x, LEVELS)
    np.testing.assert_array_equal(np.floor(again.numpy() * LEVELS), k)
    noise = (again * LEVELS - torch.tensor(k)).flatten()
    counts = torch.histc(noise, 10, 0, 1) / len(noise)
    torch.testing.assert_close(counts, torch.full((10,), 0.1, dtype=torch.float64), rtol=0, atol=0.01)
    assert float(np.corrcoef(noise, (x * LEVELS - torch.tensor(k)).flatten())[0, 1]) == pytest.approx(0, abs=0.03)
    assert float(dequantise(torch.ones(1, 1, 2, 2), LEVELS).min()) >= 1 - 1 / LEVELS, "1 belongs to the last level"
