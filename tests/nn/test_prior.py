"""Priors of latents, against torch's distributions."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

import genbench
from genbench.core.errors import GenbenchError
from genbench.nn.flow_model import base_of
from genbench.nn.prior import PACE, MixturePrior, StandardNormal, prior_of


@pytest.fixture
def mixture():
    torch.manual_seed(0)
    prior = MixturePrior(4, 3)
    for p in prior.parameters():
        p.data.copy_(torch.randn_like(p) / PACE)
    return prior


def theirs(prior: MixturePrior) -> MixtureSameFamily:
    each = Independent(Normal(PACE * prior.mean, (PACE * prior.log_std).exp()), 1)
    return MixtureSameFamily(Categorical(logits=PACE * prior.weight), each)


def test_density_of_a_mixture(mixture):
    z = torch.randn(6, 5, 3)
    torch.testing.assert_close(mixture.log_prob(z), theirs(mixture).log_prob(z))


def test_draws_of_a_mixture_have_its_moments(mixture):
    n = 100_000
    z, truth = mixture.sample(n), theirs(mixture)
    assert (((z.mean(0) - truth.mean) / (truth.variance / n).sqrt()).abs() < 4.5).all()  # error rate 2e-5
    assert torch.allclose(z.var(0), truth.variance, rtol=0.05)


def test_one_component_of_mean_0_and_deviation_1_is_the_standard_normal():
    one, normal = MixturePrior(1, 3), StandardNormal(3)
    one.mean.data.zero_()
    one.log_std.data.zero_()
    z = torch.randn(7, 3)
    torch.testing.assert_close(one.log_prob(z), normal.log_prob(z))


def test_kl_to_either():
    torch.manual_seed(0)
    mean, log_std, n = torch.randn(2, 3), torch.randn(2, 3) / 3, 20_000
    z = mean + log_std.exp() * torch.randn(n, 2, 3)
    exact = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(StandardNormal(3).kl(mean, log_std, z), exact)
    one = MixturePrior(1, 3)
    one.mean.data.zero_()
    one.log_std.data.zero_()
    assert torch.allclose(one.kl(mean, log_std, z), exact, atol=0.1)  # standard error about 0.015


def test_the_base_of_a_flow_begins_near_the_standard_normal():
    """Of 10,000 Gaussians the mean and covariance are exact to 0.01 and 0.013 (standard errors); 5 of them are allowed."""
    torch.manual_seed(0)
    base = base_of(10_000, 2, spread=0.95)
    deviation = (PACE * base.log_std).exp()
    assert deviation.max() < 0.32
    mean = PACE * base.mean.detach()
    assert mean.mean(0).abs().max() < 0.05
    torch.testing.assert_close(mean.T.cov() + deviation[0].square().diag(), torch.eye(2), rtol=0, atol=0.065)


def test_none_is_the_standard_normal():
    assert isinstance(prior_of(0, 2), StandardNormal)
    with pytest.raises(GenbenchError, match="components=-1"):
        genbench.load_model("vae", components=-1)


def test_a_learned_prior_closes_the_gap_between_clusters():
    """Of data in four narrow clusters, N(0, I) decodes the space between them, too; twenty Gaussians do not.

    Of 2000 samples 53 % and 0.05 % lay away from the clusters, and the mean bound rose from -0.84 to 0.31 nats.
    """
    rng = np.random.default_rng(0)
    corners = np.array([[-2, -2], [-2, 2], [2, -2], [2, 2]])
    x = corners[rng.integers(4, size=2000)] + 0.1 * rng.normal(size=(2000, 2))
    away, bound = {}, {}
    for components in (0, 20):
        vae = genbench.load_model(
            "vae", components=components, hidden=32, depth=2, objective="elbo", training_samples=1
        )
        vae.fit(x, budget="700", seed=0)
        made = vae.sample(2000, seed=1)
        away[components] = (np.abs(made[:, None] - corners).max(axis=2).min(axis=1) > 0.5).mean()
        bound[components] = vae.log_prob(x[:500], seed=0).mean()
    assert away[20] < 0.02
    assert away[0] > 0.3
    assert bound[0] + 0.5 < bound[20] < np.log(1 / 4 / (2 * np.pi * 0.01)) - 1 + 0.1  # of the truth, by its entropy
