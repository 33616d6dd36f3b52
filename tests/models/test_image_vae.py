"""The variational autoencoder of pictures: its bound against quadrature over all pictures, its levels, its report."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.vae import VAE
from genbench.nn.grey_levels import levels_of
from genbench.nn.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian

LEVELS, SHAPE = 3, (1, 2, 2)
NAMES = {"elbo", "reconstruction", "kl", "kl_share", "active_units", "importance_samples", "mean_squared_error"}


def digits(n=400):
    """Digits as they come to a model, dequantised."""
    return genbench.load_dataset("digits").splits(0).train[:n]


def every_picture():
    """All 81 pictures of 2×2 pixels with three levels."""
    levels = torch.tensor(list(itertools.product(range(LEVELS), repeat=4))).float()
    return ((levels + 0.5) / LEVELS).reshape(-1, *SHAPE)


@pytest.fixture
def tiny():
    """A VAE with one latent coordinate, whose decoder leans on it and whose encoder is not the posterior."""
    torch.manual_seed(0)
    model = VAE(hidden=8, depth=1, latent_dim=1)
    model.levels = LEVELS
    model.build(SHAPE)
    with torch.no_grad():
        model.decoder[-1].weight.mul_(3)
        model.encoder[-1].bias[1] = 0.0
        model.skip.weight.zero_()
    return model


def exact_log_mass(model, x, nodes=200):
    """log ∫ N(z; 0, 1) P(x|z) dz by Gauss–Hermite quadrature."""
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    z, weight = torch.tensor(z).float(), torch.tensor(weight / math.sqrt(2 * math.pi))
    parameters = model.decode(z.reshape(-1, 1, 1))  # (nodes, 1, *shape)
    return torch.logsumexp(weight.log()[:, None] + model.observed.log_prob(x, *parameters).double(), dim=0)


@torch.no_grad()
def test_bounds_rise_with_samples_up_to_the_exact_mass(tiny):
    x = every_picture()
    exact = exact_log_mass(tiny, x)
    assert exact.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert exact.std() > 0.5  # the pictures are not all alike to it
    bounds = []
    for tiny.importance_samples in (1, 5, 50, 1000):
        torch.manual_seed(1)
        draws = torch.stack([tiny.log_prob(x) for _ in range(10)]).double().mean(dim=0)
        bounds.append(draws - 4 * math.log(LEVELS) - exact)  # a density, less d log levels, is a mass
    # over 81 pictures and 10 draws the mean of each bound is known to 0.03 nats or better
    gaps = [-bound.mean().item() for bound in bounds]
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3] > -0.01
    assert gaps[0] > 0.1, "there is a gap to close"
    assert gaps[3] < 0.02


@torch.no_grad()
def test_one_sample_gives_the_evidence_lower_bound(tiny):
    """E log P(x|z) by quadrature over q, and the KL in closed form."""
    x = every_picture()
    mean, log_std = tiny.encode(x)
    node, weight = np.polynomial.hermite_e.hermegauss(100)
    z = mean + log_std.exp() * torch.tensor(node).float().reshape(-1, 1, 1)  # (nodes, b, 1)
    share = torch.tensor(weight / math.sqrt(2 * math.pi)).float()
    reconstruction = (share[:, None] * tiny.observed.log_prob(x, *tiny.decode(z))).sum(dim=0)
    kl = 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(dim=1)
    found = [tiny.diagnose(x) for _ in range(20)]
    assert found[0]["kl"] == pytest.approx(kl.mean().item(), rel=1e-4)
    error = np.array([each["reconstruction"] for each in found]) - reconstruction.mean().item()
    assert abs(error.mean()) < 4.5 * error.std() / math.sqrt(20)
    assert found[0]["nats_per_image"] == pytest.approx(found[0]["kl"] - found[0]["reconstruction"], rel=1e-5)


@torch.no_grad()
def test_pictures_are_drawn_as_often_as_they_should_be(tiny):
    torch.manual_seed(0)
    n = 40_000
    x = tiny.sample(n)
    assert x.min() >= 0
    assert x.max() <= 1
    place = torch.tensor([27.0, 9.0, 3.0, 1.0])
    frequency = torch.bincount((levels_of(x, LEVELS).flatten(1).float() @ place).long(), minlength=81) / n
    mass = exact_log_mass(tiny, every_picture()).exp()
    assert ((frequency - mass).abs() < 5 * (mass * (1 - mass) / n).sqrt()).all()


@torch.no_grad()
def test_noise_within_a_level_changes_nothing(tiny):
    x = every_picture()
    torch.manual_seed(0)
    one = tiny.log_prob(x)
    torch.manual_seed(0)
    torch.testing.assert_close(tiny.log_prob(x + 0.3 / LEVELS), one)


@pytest.mark.parametrize("size", [8, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(size, channels):
    x = np.random.default_rng(0).random((24, channels, size, size))
    model = genbench.load_model("vae", hidden=4, latent_dim=6, importance_samples=3, batch_size=8)
    model.fit(x, kind="image", budget="2")
    for n in (1, 5):
        assert model.sample(n).shape == (n, channels, size, size)
        assert np.isfinite(model.log_prob(x[:n])).all()
    made = model.sample(20)
    assert 0 <= made.min() < made.max() <= 1
    assert model.diagnose(x).keys() == NAMES | {"nats_per_image"}
    with torch.no_grad():
        assert model.model.reconstruct(torch.tensor(x).float()).shape == x.shape


@pytest.mark.parametrize(
    ("given", "levels", "expected"),
    [
        (None, 2, Bernoulli),
        (None, 17, DiscretisedLogistic),
        (None, 256, DiscretisedLogistic),
        ("logistic", 2, DiscretisedLogistic),
        ("bernoulli", 2, Bernoulli),
        ("gaussian", 17, Gaussian),
    ],
)
def test_the_likelihood_is_that_of_the_data_unless_it_is_given(given, levels, expected):
    model = VAE(decoder_likelihood=given)
    model.levels = levels
    assert model.reads_levels == (given != "gaussian")
    model.build((1, 8, 8))
    assert type(model.observed) is expected


def test_what_does_not_suit_the_data_is_refused():
    x = digits(40)
    with pytest.raises(GenbenchError, match="2 levels, and these have 17"):
        genbench.load_model("vae", decoder_likelihood="bernoulli").fit(x, kind="image", levels=17, budget="1")
    with pytest.raises(GenbenchError, match="decoder_likelihood=logistic is for images"):
        genbench.load_model("vae", decoder_likelihood="logistic").fit(x.reshape(40, 64), budget="1")
    with pytest.raises(GenbenchError, match="decoder_likelihood must be one of gaussian, logistic"):
        genbench.load_model("vae", decoder_likelihood="poisson")


def test_density_of_a_gaussian_decoder_is_in_the_units_of_the_data():
    x, small = digits(), {"hidden": 4, "depth": 1, "latent_dim": 4, "importance_samples": 5}
    here, there = (
        genbench.load_model("vae", **small, decoder_likelihood="gaussian")
        .fit(pictures, kind="image", levels=17, budget="3")
        .log_prob(pictures[:20])
        for pictures in (x, 4 * x)
    )
    assert here - there == pytest.approx(64 * math.log(4), rel=1e-6)


@torch.no_grad()
def test_pixels_of_two_levels_have_the_cross_entropy_of_the_decoder():
    torch.manual_seed(0)
    model = VAE(hidden=4, depth=1, latent_dim=3)
    model.levels = 2
    model.build((1, 8, 8))
    k = torch.randint(2, (10, 1, 8, 8)).float()
    x = (k + torch.rand_like(k)) / 2
    torch.manual_seed(1)
    reconstruction, _ = model.evidence_parts(x, 1)
    torch.manual_seed(1)
    mean, log_std = model.encode(x)
    (logit,) = model.decode(mean + log_std.exp() * torch.randn(10, 3))
    expected = functional.binary_cross_entropy_with_logits(logit, k, reduction="none").sum(dim=(1, 2, 3))
    torch.testing.assert_close(reconstruction, -expected)
    error = (k - model.reconstruct(x)).square().mean().item()
    assert model.diagnose(x)["mean_squared_error"] == pytest.approx(error, rel=1e-5)


@torch.no_grad()
def test_blocks_of_scoring_do_not_mix_pictures(monkeypatch, tiny):
    x = every_picture()
    monkeypatch.setattr("genbench.models.vae.VALUES", 4 * 5000 * 7)  # seven pictures at a time
    tiny.importance_samples = 5000
    error = tiny.log_prob(x) - 4 * math.log(LEVELS) - exact_log_mass(tiny, x)
    assert error.abs().median() < 0.05


def test_digits_are_described_in_fewer_nats_than_by_their_pixels_alone():
    """After a second of training, held-out digits cost less than under the best independent pixels."""
    splits = genbench.load_dataset("digits").splits(0)
    model = genbench.load_model("vae", hidden=16, depth=1, importance_samples=50)
    model.fit(splits.train, splits.validation, kind="image", levels=17, budget="150")
    nats = 64 * math.log(17) - model.log_prob(splits.test).mean()
    train, test = (np.floor(17 * x).astype(int).reshape(len(x), 64) for x in (splits.train, splits.test))
    count = np.array([np.bincount(pixel, minlength=17) for pixel in train.T]) + 1 / 17
    mass = count / count.sum(axis=1, keepdims=True)
    by_pixels = -np.log(mass[np.arange(64), test]).sum(axis=1).mean()
    assert nats < by_pixels
