"""Likelihoods of a decoder: masses of grey levels against scipy's logistic, cross-entropies, draws against masses."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from genbench.core.errors import GenbenchError
from genbench.nn.grey_levels import levels_of
from genbench.nn.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian

MEANS = [-30.0, -0.4, 0.0, 0.31, 0.5, 1.0, 1.2, 30.0]


def every_level(levels):
    """One value of every level, (levels, 1)."""
    return ((torch.arange(levels) + 0.5) / levels).unsqueeze(1)


def logistic(levels, mean, std, shape=(1,)):
    return DiscretisedLogistic(shape, levels), torch.full(shape, mean), torch.full(shape, math.log(std))


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
@pytest.mark.parametrize("std", [0.001, 0.02, 0.7, 20.0])
@pytest.mark.parametrize("mean", MEANS)
def test_masses_of_all_levels_sum_to_one(levels, std, mean):
    likelihood, *parameters = logistic(levels, mean, std)
    assert likelihood.log_prob(every_level(levels), *parameters).exp().sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("levels", "std"), [(2, 0.3), (17, 0.05), (17, 2.0), (256, 0.01)])
@pytest.mark.parametrize("mean", [-0.4, 0.0, 0.31, 1.2])
def test_masses_are_differences_of_the_distribution_function_and_the_ends_have_the_tails(levels, std, mean):
    likelihood, *parameters = logistic(levels, mean, std)
    edges = np.concatenate([[-np.inf], (np.arange(levels - 1) + 0.5) / (levels - 1), [np.inf]])
    law = stats.logistic(mean, std * math.sqrt(3) / math.pi)
    assert law.std() == pytest.approx(std)
    mass = np.where(edges[1:] < mean, np.diff(law.cdf(edges)), -np.diff(law.sf(edges)))  # each where it is accurate
    found = likelihood.log_prob(every_level(levels), *parameters).numpy()
    np.testing.assert_allclose(found, np.log(mass), rtol=1e-4, atol=1e-4)


def test_far_from_its_mean_a_mass_is_tiny_but_neither_it_nor_its_slope_is_infinite():
    mean, log_std = (torch.tensor([value], requires_grad=True) for value in (40.0, math.log(1e-3)))
    total = DiscretisedLogistic((1,), 256).log_prob(every_level(256), mean, log_std)
    total.sum().backward()
    assert torch.isfinite(total).all()
    assert total[0] < -10_000
    assert torch.isfinite(mean.grad).all()
    assert torch.isfinite(log_std.grad).all()


@pytest.mark.parametrize(("levels", "mean", "std"), [(2, 0.7, 0.4), (5, -0.1, 0.5), (17, 0.4, 0.1)])
def test_levels_are_drawn_as_often_as_they_should_be_and_lie_uniformly_within(levels, mean, std):
    torch.manual_seed(0)
    n = 100_000
    likelihood, *_ = logistic(levels, mean, std)
    x = likelihood.sample(torch.full((n, 1), mean), torch.full((n, 1), math.log(std)))
    assert x.min() >= 0
    assert x.max() <= 1
    frequency = torch.bincount(levels_of(x, levels).long().squeeze(1), minlength=levels) / n
    mass = likelihood.log_prob(every_level(levels), torch.tensor([mean]), torch.tensor([math.log(std)])).exp()
    assert ((frequency - mass).abs() < 5 * (mass * (1 - mass) / n).sqrt() + 1e-5).all()  # error rate 6e-7 a level
    within = (levels * x) % 1
    assert stats.kstest(within.squeeze(1).numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("std", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("mean", [-0.4, 0.0, 0.31, 0.5, 1.2])
def test_mean_of_the_levels_is_right_to_half_a_level(levels, std, mean):
    likelihood, *parameters = logistic(levels, mean, std)
    mass = likelihood.log_prob(every_level(levels), *parameters).exp()
    expected = (mass * torch.linspace(0, 1, levels)).sum().item()
    assert likelihood.mean(*parameters).item() == pytest.approx(expected, abs=0.5 / (levels - 1))
    if std * levels > 10:
        assert likelihood.mean(*parameters).item() == pytest.approx(expected, abs=2e-3)


def test_bernoulli_is_the_binary_cross_entropy():
    torch.manual_seed(0)
    k, logit = torch.randint(2, (6, 1, 4, 4)).float(), 3 * torch.randn(6, 1, 4, 4)
    likelihood = Bernoulli((1, 4, 4), 2)
    (read,) = likelihood.read(logit)
    found = likelihood.log_prob((k + torch.rand_like(k)) / 2, read)
    expected = -functional.binary_cross_entropy_with_logits(logit, k, reduction="none").sum(dim=(1, 2, 3))
    torch.testing.assert_close(found, expected)
    assert likelihood.log_scale == pytest.approx(16 * math.log(2))
    torch.testing.assert_close(likelihood.mean(logit), torch.sigmoid(logit))
    pixels = levels_of(likelihood.sample(torch.full((100_000, 1, 1, 1), 1.0)), 2).float()
    assert pixels.mean().item() == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item(), abs=0.0064)  # 4.5 errors


@pytest.mark.parametrize("levels", [17, 256])
def test_cross_entropies_of_grey_values_are_refused(levels):
    with pytest.raises(GenbenchError, match=f"2 levels, and these have {levels}; use logistic"):
        Bernoulli((1, 4, 4), levels)


def test_gaussian_of_a_picture_is_the_product_over_its_values_and_channels_are_read_side_by_side():
    torch.manual_seed(0)
    x, output = torch.randn(5, 3, 4, 4), torch.randn(7, 5, 6, 4, 4)
    likelihood = Gaussian((3, 4, 4))
    mean, log_std = likelihood.read(output)
    torch.testing.assert_close(mean, output[:, :, :3])
    law = torch.distributions.Normal(output[:, :, :3], functional.softplus(output[:, :, 3:]) + 1e-3)
    torch.testing.assert_close(likelihood.log_prob(x, mean, log_std), law.log_prob(x).sum(dim=(2, 3, 4)))


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_levels_are_the_whole_part_with_or_without_dequantisation(levels):
    k = torch.arange(levels).float()
    for x in ((k + 0.01) / levels, (k + 0.99) / levels, k / (levels - 1)):
        torch.testing.assert_close(levels_of(x, levels), k.long())
