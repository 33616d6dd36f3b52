"""The variational autoencoder: its bounds against closed forms, its learned noise, its contract."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.vae import VAE
from genbench.nn.likelihoods import STD_FLOOR
from genbench.nn.prior import kl_to_standard_normal

D, NOISE, ENCODER_STD = 3, 0.4, 0.5


@pytest.fixture
def linear():
    """A VAE with linear maps, x = W z + b + 0.4 ε, whose encoder is not the posterior, and points of its own."""
    torch.manual_seed(0)
    model = VAE(latent_dim=2)
    model.build((D,))
    model.decoder, model.encoder = nn.Linear(2, 2 * D), nn.Linear(D, 4)
    with torch.no_grad():
        model.decoder.weight.normal_()[D:] = 0
        model.decoder.bias.normal_()[D:] = math.log(math.expm1(NOISE - STD_FLOOR))  # softplus turns it into the noise
        weight = model.decoder.weight[:D]
        posterior_mean = torch.linalg.inv(weight.T @ weight + NOISE**2 * torch.eye(2)) @ weight.T
        model.encoder.weight[:2], model.encoder.weight[2:] = 0.9 * posterior_mean, 0
        model.encoder.bias[:2] = -0.9 * posterior_mean @ model.decoder.bias[:D]
        model.encoder.bias[2:] = math.log(ENCODER_STD)
        model.skip.weight.zero_(), model.skip.bias.zero_()
        return model, model.sample(2000)


def exact_log_prob(model, x):
    """log N(x; b, W Wᵀ + 0.16 I)."""
    weight, bias = model.decoder.weight[:D].double(), model.decoder.bias[:D].double()
    covariance = weight @ weight.T + NOISE**2 * torch.eye(D, dtype=torch.double)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(x.double())


def exact_gap(model, x):
    """KL(q(z|x) ‖ p(z|x)): how far the evidence lower bound lies below log p(x)."""
    weight, bias = model.decoder.weight[:D].double(), model.decoder.bias[:D].double()
    covariance = torch.linalg.inv(torch.eye(2, dtype=torch.double) + weight.T @ weight / NOISE**2)
    posterior = torch.distributions.MultivariateNormal((x.double() - bias) @ weight @ covariance / NOISE**2, covariance)
    mean = model.encode(x)[0].double()
    encoder = torch.distributions.MultivariateNormal(mean, ENCODER_STD**2 * torch.eye(2, dtype=torch.double))
    return torch.distributions.kl_divergence(encoder, posterior)


def bound(model, x, samples):
    model.importance_samples = samples
    return model.log_prob(x).double()


def standard_error(values):
    return float(values.std() / math.sqrt(len(values)))


@torch.no_grad()
def test_one_sample_gives_the_evidence_lower_bound_in_closed_form(linear):
    model, x = linear
    error = bound(model, x, 1) - (exact_log_prob(model, x) - exact_gap(model, x))
    assert abs(error.mean()) < 4 * standard_error(error)  # error rate 6e-5


@torch.no_grad()
def test_bounds_rise_with_samples_up_to_the_exact_value(linear):
    model, x = linear
    exact = exact_log_prob(model, x)
    bounds = [exact - exact_gap(model, x), *(bound(model, x, k) for k in (5, 50, 500)), exact]
    for lower, upper in itertools.pairwise(bounds):
        assert (upper - lower).mean() > -4 * standard_error(upper - lower)  # error rate 3e-5 a pair
    assert (bounds[1] - bounds[0]).mean() > 0.1  # the gap is there to be closed
    assert (exact - bounds[-2]).mean() < 0.02


@torch.no_grad()
def test_diagnosis_adds_up_and_agrees_with_the_closed_form(linear):
    model, x = linear
    parts = model.diagnose(x)
    assert parts["elbo"] == pytest.approx(parts["reconstruction"] - parts["kl"])
    evidence = exact_log_prob(model, x) - exact_gap(model, x)
    assert parts["elbo"] == pytest.approx(evidence.mean().item(), abs=0.15)
    assert parts["kl_share"] == pytest.approx(parts["kl"] / (parts["kl"] - parts["reconstruction"]))
    assert parts["active_units"] == 2
    assert parts["importance_samples"] == 64


def test_kl_agrees_with_torch_distributions():
    torch.manual_seed(0)
    mean, log_std = torch.randn(50, 4), torch.randn(50, 4)
    q = torch.distributions.Normal(mean, log_std.exp())
    expected = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_std), expected)


@torch.no_grad()
def test_weight_of_the_kl_term_rises_with_progress(linear):
    model, x = linear
    model.training_samples, model.kl_warmup = 1, 0.4
    losses = {}
    for model.progress in (0.0, 0.1, 0.4, 1.0):
        torch.manual_seed(1)
        losses[model.progress] = model.training_loss(x).item()
    torch.manual_seed(1)
    mean, log_std = model.encode(x)
    centre, spread = model.decode(mean + log_std.exp() * torch.randn(1, *mean.shape))
    reconstruction = torch.distributions.Normal(centre, spread.exp()).log_prob(x).sum(dim=-1).mean().item()
    assert losses[0.0] == pytest.approx(-reconstruction, rel=1e-4)
    assert losses[0.1] == pytest.approx(0.75 * losses[0.0] + 0.25 * losses[1.0], rel=1e-4)
    assert losses[0.4] == losses[1.0]


@torch.no_grad()
def test_the_elbo_objective_is_the_closed_form_bound_whatever_k_and_iwae_is_tighter(linear):
    model, x = linear
    evidence = (exact_log_prob(model, x) - exact_gap(model, x)).mean().item()
    losses = {}
    for model.objective in ("elbo", "iwae"):
        for model.training_samples in (1, 20):
            torch.manual_seed(1)
            losses[model.objective, model.training_samples] = model.training_loss(x).item()
    for k in (1, 20):
        assert -losses["elbo", k] == pytest.approx(evidence, abs=0.15 / math.sqrt(k))  # 0.15: 4 standard errors
    assert losses["iwae", 20] < losses["elbo", 20] - 0.1


@torch.no_grad()
@pytest.mark.parametrize("objective", ["elbo", "iwae"])
def test_beta_weighs_the_kl_term(linear, objective):
    model, x = linear
    model.objective, model.training_samples = objective, 1
    losses = []
    for model.beta in (0.0, 1.0, 3.0):
        torch.manual_seed(1)
        losses.append(model.training_loss(x).item())
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3)
    kl = kl_to_standard_normal(*model.encode(x))
    assert losses[1] - losses[0] == pytest.approx(kl.mean().item(), abs=1e-3 if objective == "elbo" else 0.1)


def test_a_large_beta_empties_the_latents():
    x = np.random.default_rng(0).normal(size=(2000, 1)) * [1.0, 2.0]
    share = {}
    for beta in (0.1, 30.0):
        model = genbench.load_model("vae", hidden=16, depth=1, beta=beta, objective="elbo", training_samples=1)
        share[beta] = model.fit(x, budget="300").diagnose(x)["kl_share"]
    assert share[0.1] > 0.5
    assert share[30.0] < 0.05


@torch.no_grad()
def test_a_given_decoder_std_is_that_of_the_samples():
    torch.manual_seed(0)
    model = VAE(hidden=8, depth=1, decoder_std=0.25)
    model.build((3,))
    mean, log_std = model.decode(torch.randn(50, 4, 3))
    assert mean.shape == log_std.shape == (50, 4, 3)
    assert (log_std == math.log(0.25)).all()
    model.decoder[-1].weight.zero_()
    assert model.sample(100_000).std(dim=0) == pytest.approx(0.25, rel=0.01)  # 4.5 standard errors


def test_one_shared_decoder_std_learns_the_noise():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 1)) * [1.0, -1.0, 1.0] + 0.5 * rng.normal(size=(5000, 3))
    model = genbench.load_model("vae", hidden=16, depth=1, latent_dim=1, decoder_std="shared", training_samples=1)
    model.fit(x, budget="600")
    expected = 0.5 / math.sqrt(1.25)  # in standardised units
    assert model.model.observed.shared_std.item() == pytest.approx(expected, rel=0.05)


@pytest.fixture(scope="module")
def gaussian():
    """A VAE trained on a correlated Gaussian, and that Gaussian."""
    truth = torch.distributions.MultivariateNormal(torch.tensor([3.0, -1.0]), torch.tensor([[4.0, 1.5], [1.5, 1.0]]))
    torch.manual_seed(0)
    model = genbench.load_model("vae", importance_samples=50)
    return model.fit(truth.sample((5000,)).numpy(), budget="400"), truth


def test_excess_nll_on_gaussian_data(gaussian):
    model, truth = gaussian
    torch.manual_seed(1)
    x = truth.sample((2000,))
    excess = truth.log_prob(x).numpy() - model.log_prob(x.numpy())
    assert -4 * excess.std() / math.sqrt(len(excess)) < excess.mean() < 0.05


def test_samples_agree_with_the_density(gaussian):
    model, _ = gaussian
    sides = [np.linspace(m - 5 * s, m + 5 * s, 81) for m, s in ((3, 2), (-1, 1))]
    centres = [(side[1:] + side[:-1]) / 2 for side in sides]
    grid = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(model.log_prob(grid)) * np.prod([side[1] - side[0] for side in sides])
    assert mass.sum() == pytest.approx(1, abs=0.02)
    x = model.sample(20_000)
    count, *_ = np.histogram2d(*x.T, bins=[side[::5] for side in sides])
    cells = mass.reshape(16, 5, 16, 5).sum(axis=(1, 3))
    # With 20,000 draws over some 60 occupied cells the total variation is .02 ± .002 by chance.
    assert 0.5 * np.abs(count / len(x) - cells).sum() < 0.04


def test_decoder_learns_the_noise_of_the_data():
    rng = np.random.default_rng(0)
    loading, noise = np.array([2.0, -1.0, 1.5, 0.8, -2.0]), 0.5
    x = rng.normal(size=(5000, 1)) * loading + noise * rng.normal(size=(5000, 5))
    model = genbench.load_model("vae", hidden=32, depth=1, latent_dim=1, training_samples=1).fit(x, budget="800")
    torch.manual_seed(0)
    with torch.no_grad():
        _, log_std = model.model.decode(torch.randn(2000, 1))
    assert log_std.exp().mean(dim=0).numpy() * model.standardiser.scale == pytest.approx(noise, rel=0.1)


@pytest.mark.parametrize("d", [1, 2, 16, 64])
def test_shapes(d):
    x = np.random.default_rng(0).normal(size=(300, d))
    model = genbench.load_model("vae", importance_samples=20).fit(x, budget="5")
    for n in (1, 7):
        assert model.sample(n).shape == (n, d)
        assert np.isfinite(model.log_prob(x[:n])).all()
    assert np.isfinite(model.log_prob(1e3 * x[:5])).all()
    names = {"elbo", "reconstruction", "kl", "kl_share", "active_units", "importance_samples"}
    assert set(model.diagnose(x[:1])) == names


def test_same_seed_same_bits():
    x = np.random.default_rng(0).normal(size=(500, 2))
    a, b = (genbench.load_model("vae", importance_samples=20).fit(x, budget="200") for _ in range(2))
    assert (a.sample(100, seed=3) == b.sample(100, seed=3)).all()
    assert (a.log_prob(x, seed=3) == b.log_prob(x, seed=3)).all()
    assert (a.sample(100, seed=3) != b.sample(100, seed=4)).any()


@torch.no_grad()
def test_batches_of_scoring_do_not_mix_points(linear):
    """Points are scored three at a time here, and each must get its own density, whatever its neighbours'."""
    model, x = linear
    error = bound(model, x[:100], 5000) - exact_log_prob(model, x[:100])
    assert error.abs().median() < 0.05


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    model = VAE()
    model.build((3,))
    model.training_loss(torch.randn(32, 3)).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize("name", ["hidden", "depth", "latent_dim", "training_samples", "importance_samples"])
def test_sizes_must_be_positive(name):
    with pytest.raises(GenbenchError, match=f"{name} must be at least 1"):
        genbench.load_model("vae", **{name: 0})


@pytest.mark.parametrize(("share", "reason"), [(-0.1, "not be negative"), (1.5, "be at most 1")])
def test_warmup_must_be_a_share(share, reason):
    with pytest.raises(GenbenchError, match=f"kl_warmup must {reason}"):
        genbench.load_model("vae", kl_warmup=share)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"objective": "elbow"}, "objective must be one of iwae, elbo"),
        ({"beta": -1.0}, "beta must not be negative"),
        ({"decoder_std": 0.0}, "decoder_std must be above 0.001, or shared; the default is none"),
        ({"decoder_std": "learnt"}, "decoder_std must be a number, or shared; the default is none"),
    ],
)
def test_what_is_out_of_range_is_refused(params, reason):
    with pytest.raises(GenbenchError, match=reason):
        genbench.load_model("vae", **params)
