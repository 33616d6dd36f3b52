"""The variational bound of diffusion: below the log-likelihood, tight where it can be, and each of its terms."""

import math

import pytest
import torch
from exact_diffusion import TRUTH, Exact, untrained
from torch.distributions import Independent, Normal, kl_divergence

from genbench.nn.time_network import TimeNetwork


def test_the_bound_is_below_the_log_likelihood():
    """Of the exact network on Gaussian data. The mean of the 4000 gaps has a standard error near 0.1; 4.5 of them."""
    torch.manual_seed(0)
    x = TRUTH.sample((4000,))
    gap = TRUTH.log_prob(x) - untrained(Exact("v")).elbo(x)
    error = float(gap.std()) / math.sqrt(4000)
    assert gap.mean() > -4.5 * error
    assert gap.mean() < 0.1 + 4.5 * error


class Zero(TimeNetwork):
    """The exact v for data from N(0, I)."""

    def field(self, x, t, labels):
        return torch.zeros_like(x) + 0 * x


class Bent(TimeNetwork):
    """Some v that is exact for nothing."""

    def field(self, x, t, labels):
        return torch.tanh(x.flip(1) + t)


@pytest.mark.parametrize("timesteps", [20, 1000])
def test_bound_is_tight_where_the_chain_is_the_exact_reverse(timesteps):
    """For N(0, I) data, σ_t² = β_t and v = 0 reverse the chain exactly, so the bound is log N(x; 0, I) at every x.

    Within 4.5 standard errors at each of 5 points: error rate 4e-5.
    """
    torch.manual_seed(0)
    model = untrained(Zero(), timesteps=timesteps)
    x = torch.randn(5, 2)
    with torch.no_grad():
        bounds = model.elbo(x.repeat_interleave(2000, dim=0)).reshape(5, 2000)
    truth = -0.5 * x.double().square().sum(1) - math.log(2 * math.pi)
    assert ((bounds.mean(1) - truth).abs() < 4.5 * bounds.std(1) / math.sqrt(2000)).all()


def test_bound_is_the_sum_of_kl_divergences():
    """All T terms one by one with torch's own KL; the two means differ by less than 4.5 standard errors: error rate 1e-5."""
    torch.manual_seed(0)
    model = untrained(Bent(), timesteps=80)
    noising, n = model.noising, 4000
    x0 = torch.tensor([[0.7, -1.3]]).expand(n, 2)

    def normal(mean, variance):
        return Independent(Normal(mean, float(variance) ** 0.5), 1)

    left = noising.alpha_bar[-1]
    total = -kl_divergence(normal(x0 * float(left.sqrt()), 1 - left), normal(torch.zeros(n, 2), 1.0))
    for t in range(1, 81):
        angle = noising.angle[t].float()
        xt = angle.cos() * x0 + angle.sin() * torch.randn(n, 2)
        a, b, variance = (float(c) for c in noising.posterior(torch.tensor(t - 1), torch.tensor(t)))
        model_step = normal(a * model.ends(xt, angle)[0] + b * xt, noising.beta[t])
        if t > 1:
            total = total - kl_divergence(normal(a * x0 + b * xt, variance), model_step)
        else:
            total = total + model_step.log_prob(x0)
    bound = model.elbo(x0)
    error = math.sqrt(float(total.var() + bound.var()) / n)
    assert abs(float(total.mean() - bound.mean())) < 4.5 * error
    assert error < 0.5
