"""Distributions of grey levels: masses that sum to one, samples that follow them, where they begin."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, logistic

from genbench.nn.grey_levels import LogisticMixtures, Softmax, level_distribution, levels_of


def random_parameters(distribution, *shape):
    """Parameters far from the tame ones that a network begins with."""
    torch.manual_seed(0)
    return 3 * torch.randn(*shape, distribution.size, dtype=torch.float64)


def masses(distribution, parameters):
    """P(k) of all levels (..., levels) for parameters (..., size)."""
    each = parameters.unsqueeze(-2).expand(*parameters.shape[:-1], distribution.levels, -1)
    return distribution.log_prob(each, torch.arange(distribution.levels).expand(each.shape[:-1])).exp()


DISTRIBUTIONS = [Softmax(17), LogisticMixtures(256, 5), LogisticMixtures(2, 3), LogisticMixtures(3, 1)]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_masses_of_all_levels_sum_to_one(distribution):
    total = masses(distribution, random_parameters(distribution, 100)).sum(dim=-1)
    torch.testing.assert_close(total, torch.ones(100, dtype=torch.float64), rtol=0, atol=1e-12)


def test_a_mass_is_a_difference_of_logistic_distribution_functions():
    """Against scipy, at bins of width 2 / 255 around the levels from −1 to 1, with open bins at both ends."""
    distribution = LogisticMixtures(256, 2)
    weights, means, scales = np.array([0.3, 0.7]), np.array([-0.4, 0.9]), np.array([0.2, 0.05])
    raw = -7 + np.log(np.expm1(np.log(scales) + 7))
    parameters = torch.tensor(np.concatenate([np.log(weights), means, raw]))
    edges = np.concatenate([[-np.inf], (2 * np.arange(255) + 1) / 255 - 1, [np.inf]])
    below = (weights * logistic.cdf(edges[:, None], means, scales)).sum(axis=1)
    np.testing.assert_allclose(masses(distribution, parameters).numpy(), np.diff(below), rtol=1e-8)


def test_a_level_far_from_every_logistic_has_a_finite_log_mass_and_gradient():
    distribution = LogisticMixtures(256, 1)
    parameters = torch.tensor([0.0, -1.0, -50.0], requires_grad=True)  # as narrow as can be, at the lowest level
    log_mass = distribution.log_prob(parameters.expand(256, 3), torch.arange(256))
    assert torch.isfinite(log_mass).all()
    assert log_mass[0] > log_mass[1] > log_mass[100] > log_mass[254]
    log_mass.sum().backward()
    assert torch.isfinite(parameters.grad).all()


@pytest.mark.parametrize("distribution", [Softmax(6), LogisticMixtures(40, 3)])
def test_samples_follow_the_masses(distribution):
    parameters = random_parameters(distribution)
    expected = masses(distribution, parameters).numpy()
    drawn = distribution.sample(parameters.expand(50_000, -1)).bincount(minlength=distribution.levels).numpy()
    common = expected * 50_000 > 5
    observed = np.append(drawn[common], drawn[~common].sum())
    due = np.append(expected[common], expected[~common].sum()) * 50_000
    keep = due > 0
    assert chisquare(observed[keep], due[keep] * observed.sum() / due[keep].sum()).pvalue > 1e-4


def test_a_softmax_begins_at_the_frequencies_of_each_coordinate():
    k = torch.tensor([[0, 2], [0, 2], [1, 2], [0, 2]])
    start = masses(Softmax(3), Softmax(3).marginals(k))
    third = 1 / 3  # one picture more, spread over the levels
    expected = torch.tensor([[3 + third, 1 + third, third], [third, third, 4 + third]]) / 5
    torch.testing.assert_close(start, expected)


def test_a_mixture_begins_near_the_distribution_of_each_coordinate():
    torch.manual_seed(0)
    k = torch.stack([torch.full((2000,), 0), torch.randint(100, 150, (2000,)), torch.randint(256, (2000,))], dim=1)
    distribution = LogisticMixtures(256, 5)
    start = masses(distribution, distribution.marginals(k))
    assert start[0, :2].sum() > 0.75
    assert start[1, 95:155].sum() > 0.9
    entropy = -distribution.log_prob(distribution.marginals(k).expand(2000, -1, -1), k).mean(dim=0)
    assert (entropy <= torch.tensor([1.0, np.log(50) + 0.2, np.log(256) + 0.2])).all()


def test_levels_are_the_whole_part_and_one_itself_is_the_highest():
    x = torch.tensor([0.0, 0.24, 0.25, 0.9999, 1.0])
    assert levels_of(x, 4).tolist() == [0, 0, 1, 3, 3]


def test_few_levels_have_a_softmax_and_many_a_mixture():
    assert isinstance(level_distribution(32, 5), Softmax)
    assert isinstance(level_distribution(33, 5), LogisticMixtures)
