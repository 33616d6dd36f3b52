"""Mixtures on the line against torch.distributions."""

import math

import pytest
import torch

from genbench.nn.mixture import LOG_MIN_SCALE, Mixture, _log_sum_exp, standard_parameters


def peer(mixture):
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=mixture.logits),
        torch.distributions.Normal(mixture.mean, mixture.log_scale.exp()),
    )


def test_log_prob_is_that_of_torch_distributions():
    torch.manual_seed(0)
    mixture, x = Mixture.of(torch.randn(50, 3, 12, dtype=torch.float64)), 3 * torch.randn(50, 3, dtype=torch.float64)
    torch.testing.assert_close(mixture.log_prob(x), peer(mixture).log_prob(x), rtol=0, atol=1e-12)


def test_samples_have_the_distribution_function_of_the_mixture():
    torch.manual_seed(0)
    mixture = Mixture.of(2 * torch.randn(12))
    many = Mixture(*(part.expand(20_000, -1) for part in mixture))
    u = peer(mixture).cdf(many.sample()).sort().values
    gap = (u - (torch.arange(20_000) + 0.5) / 20_000).abs().max()
    assert gap < 2.23 / math.sqrt(20_000)  # Kolmogorov: error rate 1e-4


def test_no_scale_is_under_the_floor():
    assert Mixture.of(torch.full((3,), -1e6)).log_scale.item() >= LOG_MIN_SCALE - 1e-6


@pytest.mark.parametrize(("components", "nats"), [(1, 1e-6), (2, 2e-4), (4, 1e-4), (16, 1e-4), (32, 1e-4)])
def test_training_begins_near_the_standard_normal(components, nats):
    mixture = Mixture.of(standard_parameters(components).double())
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(x)
    log_q = Mixture(*(part.expand(4001, -1) for part in mixture)).log_prob(x)
    kl = ((log_p - log_q) * log_p.exp()).sum() * (x[1] - x[0])
    assert -1e-6 < kl < nats


def test_log_sum_exp_agrees_with_torch_also_far_out():
    a = torch.tensor([[0.0, 1.0, -2.0], [-1e4, -1e4, -2e4], [500.0, 0.0, -500.0]], dtype=torch.float64)
    torch.testing.assert_close(_log_sum_exp(a), a.logsumexp(dim=1), rtol=0, atol=1e-12)
