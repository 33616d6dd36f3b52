"""Diffusion: the noising process against brute force, the bound and the density against closed forms on Gaussian data."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

import genbench
from genbench.models.ddpm import DDPM, NoiseSchedule
from genbench.recipe import Budget, Recipe
from genbench.training import train

MEAN = torch.tensor([0.3, -0.2])
COVARIANCE = torch.tensor([[1.2, 0.7], [0.7, 0.8]])
TRUTH = MultivariateNormal(MEAN, COVARIANCE)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_posterior_is_gaussian_conditioning(name):
    """The chain x_k = √(1−β_k) x_{k−1} + √β_k ε_k written as a linear map of (x_0, ε_1 … ε_T), then conditioned by hand."""
    T, schedule = 12, NoiseSchedule(name, 12)
    rows = [np.eye(T + 1)[0]]
    for k in range(1, T + 1):
        beta = float(schedule.beta[k])
        rows.append(math.sqrt(1 - beta) * rows[-1] + math.sqrt(beta) * np.eye(T + 1)[k])
    for s, t in [(1, 2), (3, 8), (0, 5), (6, T)]:
        (ms, ns), (mt, nt) = ((rows[k][0], rows[k][1:]) for k in (s, t))
        gain = ns @ nt / (nt @ nt)
        expected = [ms - gain * mt, gain, ns @ ns - gain * (ns @ nt)]
        got = [float(c) for c in schedule.posterior(torch.tensor(s), torch.tensor(t))]
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_schedules_are_those_of_the_papers():
    linear = NoiseSchedule("linear", 1000)
    assert float(linear.beta[1]) == pytest.approx(1e-4)
    assert float(linear.beta[1000]) == pytest.approx(0.02)
    assert float(linear.alpha_bar[1000]) == pytest.approx(4.04e-5, rel=0.01)  # Ho et al. 2020: nearly no signal left
    cosine = NoiseSchedule("cosine", 1000)
    assert float(cosine.beta.max()) == pytest.approx(0.999)
    f = [math.cos(math.pi / 2 * (u + 0.008) / 1.008) ** 2 for u in (0.5, 0)]
    assert float(cosine.alpha_bar[500]) == pytest.approx(f[0] / f[1])


@pytest.mark.parametrize(("name", "timesteps"), [("cosine", 1000), ("cosine", 50), ("linear", 1000)])
def test_schedule_reaches_standard_noise(name, timesteps):
    """KL(N(√ᾱ x_0, 1 − ᾱ) ‖ N(0, 1)) averaged over x_0 of mean 0 and variance 1 (here ±1)."""
    schedule = NoiseSchedule(name, timesteps)
    left = schedule.alpha_bar[-1]
    brute = kl_divergence(Normal(left.sqrt(), (1 - left).sqrt()), Normal(left * 0, left * 0 + 1))
    assert schedule.terminal_kl == pytest.approx(float(brute), rel=1e-6)
    assert schedule.terminal_kl < 1e-3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DDPM(schedule=name, timesteps=timesteps)


def test_a_schedule_that_keeps_the_data_warns():
    """ᾱ_T = 0.364, so −½ log(1 − ᾱ_T) = 0.226."""
    with pytest.warns(UserWarning, match=r"ᾱ_T = 0.36: .* 0.23 nats per dimension"):
        DDPM(schedule="linear", timesteps=100)


def untrained(network, **params):
    """A model whose network is a known function of (x, t)."""
    model = DDPM(**params)
    model.shape = (2,)
    model.network = network
    return model


class Zero(torch.nn.Module):
    """The exact v for data from N(0, I)."""

    def forward(self, x, t):
        return torch.zeros_like(x) + 0 * x


class Bent(torch.nn.Module):
    """Some v that is exact for nothing."""

    def forward(self, x, t):
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
        model_step = normal(a * model.denoise(xt, angle)[0] + b * xt, noising.beta[t])
        if t > 1:
            total = total - kl_divergence(normal(a * x0 + b * xt, variance), model_step)
        else:
            total = total + model_step.log_prob(x0)
    bound = model.elbo(x0)
    error = math.sqrt(float(total.var() + bound.var()) / n)
    assert abs(float(total.mean() - bound.mean())) < 4.5 * error
    assert error < 0.5


@pytest.fixture(scope="module")
def gaussian_ddpm():
    torch.manual_seed(0)
    x = TRUTH.sample((20_000,))
    model = DDPM(hidden=64)
    train(model, x.numpy(), TRUTH.sample((2000,)).numpy(), Budget("1500"), Recipe(lr=4e-3))
    return model


def test_velocity_is_the_closed_form_on_gaussian_data(gaussian_ddpm):
    """v = cos φ E[ε | x] − sin φ E[x_0 | x], with x_0 ~ N(m, C) and ε ~ N(0, I)."""
    torch.manual_seed(1)
    wrong, scale, eye = 0.0, 0.0, torch.eye(2)
    for angle in torch.linspace(0.05, 1.55, 25):
        c, s = angle.cos(), angle.sin()
        x = c * TRUTH.sample((1000,)) + s * torch.randn(1000, 2)
        precision = torch.linalg.inv(c**2 * COVARIANCE + s**2 * eye)
        v = -s * MEAN + (x - c * MEAN) @ (c * s * (eye - COVARIANCE) @ precision).T
        with torch.no_grad():
            wrong += float((gaussian_ddpm.velocity(x, angle) - v).square().sum())
        scale += float(v.square().sum())
    assert wrong / scale < 0.02


def test_density_and_bound_on_gaussian_data(gaussian_ddpm):
    torch.manual_seed(2)
    x = TRUTH.sample((10_000,))
    with torch.no_grad():
        log_prob, elbo = gaussian_ddpm.log_prob(x), gaussian_ddpm.elbo(x)
        assert gaussian_ddpm.diagnose(x).keys() == {"elbo"}
    assert 0 < (TRUTH.log_prob(x) - log_prob).mean() + 0.01 < 0.03
    gap = log_prob - elbo
    assert gap.mean() > -4 * gap.std() / 100  # a lower bound, within 4 standard errors: error rate 3e-5
    assert gap.mean() < 0.1


@pytest.mark.parametrize(("sampler", "steps", "nfe"), [("ode", 20, 40), ("ddim", 50, 50), ("ancestral", 200, 200)])
def test_samples_have_the_moments_of_the_data(gaussian_ddpm, sampler, steps, nfe):
    """Standard errors of the moments are under .014 at n = 10,000; the bounds leave room for the model's error."""
    gaussian_ddpm.sampler, gaussian_ddpm.steps = sampler, steps
    torch.manual_seed(3)
    with torch.no_grad():
        x = gaussian_ddpm.sample(10_000)
    assert gaussian_ddpm.nfe == nfe
    assert (x.mean(0) - MEAN).abs().max() < 0.06
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.1


def test_a_short_schedule_is_walked_step_by_step():
    model = untrained(Zero(), timesteps=30)
    model.sample(3)
    assert model.nfe == 30


def test_same_seed_same_bits():
    x = np.random.default_rng(0).normal(size=(1000, 2))
    a, b = (genbench.load_model("ddpm", hidden=8, sampler="ancestral").fit(x, budget="200") for _ in range(2))
    assert (a.sample(10) == b.sample(10)).all()
    assert (a.log_prob(x[:10]) == b.log_prob(x[:10])).all()
    assert a.diagnose(x[:10]) == b.diagnose(x[:10])


@pytest.mark.parametrize("d", [1, 2, 16, 64])
@pytest.mark.parametrize("sampler", ["ode", "ddim", "ancestral"])
def test_shapes(d, sampler):
    x = np.random.default_rng(0).normal(size=(100, d))
    model = genbench.load_model("ddpm", hidden=8, steps=2, density_steps=2, sampler=sampler).fit(x, budget="3")
    assert model.sample(1).shape == (1, d)
    assert model.log_prob(x[:1]).shape == (1,)
    assert math.isfinite(model.diagnose(x[:1])["elbo"])


def test_log_density_follows_the_units_of_the_data():
    x = np.random.default_rng(0).normal(size=(500, 2)) ** 3
    single, double = (genbench.load_model("ddpm", hidden=16).fit(scale * x, budget="50") for scale in (1, 2))
    shift = single.log_prob(x) - double.log_prob(2 * x)
    np.testing.assert_allclose(shift, 2 * np.log(2), atol=1e-3)


def test_every_point_of_a_batch_counts():
    model = DDPM(hidden=8)
    model.build((2,))
    x = torch.randn(50, 2, requires_grad=True)
    model.training_loss(x).backward()
    assert (x.grad.abs().sum(1) > 0).all()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_bad_parameters_are_refused():
    for bad in ({"hidden": 0}, {"timesteps": 1}, {"steps": 0}, {"schedule": "square"}, {"sampler": "heun"}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))}="):
            DDPM(**bad)
