"""Noise schedules: the papers' formulae by hand, the posterior against linear algebra, the noise at the end."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from genbench.nn.noise_schedule import SCHEDULES, NoiseSchedule, log_normal


@pytest.mark.parametrize("name", SCHEDULES)
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


def test_linear_is_that_of_the_paper():
    linear = NoiseSchedule("linear", 1000)
    product = math.prod(1 - (1e-4 + k * (0.02 - 1e-4) / 999) for k in range(1000))
    assert float(linear.alpha_bar[1000]) == pytest.approx(product, rel=1e-9)
    assert float(linear.alpha_bar[1000]) == pytest.approx(4.04e-5, rel=0.01)  # Ho et al. 2020: nearly no signal left


def test_cosine_is_that_of_the_paper():
    cosine = NoiseSchedule("cosine", 1000)
    assert float(cosine.beta.max()) == pytest.approx(0.999)
    f = [math.cos(math.pi / 2 * (u + 0.008) / 1.008) ** 2 for u in (0.1, 0.5, 0.9, 0)]
    np.testing.assert_allclose(cosine.alpha_bar[[100, 500, 900]], np.array(f[:3]) / f[3], rtol=1e-9)


def test_sigmoid_is_that_of_the_paper():
    """Jabri et al. 2022, algorithm 1: (σ(3) − σ(6t − 3)) / (σ(3) − σ(−3)); σ(x) = (1 + tanh(x/2))/2 halves the middle."""
    sigmoid = NoiseSchedule("sigmoid", 1000)
    t = np.array([100, 250, 500, 990])
    expected = 0.5 - np.tanh(3 * t / 1000 - 1.5) / (2 * math.tanh(1.5))
    np.testing.assert_allclose(sigmoid.alpha_bar[t], expected, rtol=1e-9)
    assert float(sigmoid.alpha_bar[500]) == pytest.approx(0.5)


@pytest.mark.parametrize("name", SCHEDULES)
def test_angle_and_signal_are_one_thing(name):
    schedule = NoiseSchedule(name, 100)
    np.testing.assert_allclose(schedule.angle.cos().square(), schedule.alpha_bar, atol=1e-15)
    assert schedule.angle.dtype == torch.float64
    assert (schedule.angle.diff() > 0).all()
    assert float(schedule.angle[0]) == 0


@pytest.mark.parametrize(
    ("name", "timesteps", "reaches"),
    [
        ("cosine", 1000, True),
        ("cosine", 20, True),
        ("sigmoid", 50, True),
        ("linear", 1000, True),
        ("linear", 100, False),
        ("linear", 50, False),
    ],
)
def test_terminal_kl(name, timesteps, reaches):
    """KL(N(√ᾱ x_0, 1 − ᾱ) ‖ N(0, 1)) averaged over x_0 of mean 0 and variance 1 (here ±1)."""
    schedule = NoiseSchedule(name, timesteps)
    left = schedule.alpha_bar[-1]
    brute = kl_divergence(Normal(left.sqrt(), (1 - left).sqrt()), Normal(left * 0, left * 0 + 1))
    assert schedule.terminal_kl == pytest.approx(float(brute), rel=1e-5, abs=1e-12)
    assert (schedule.terminal_kl < 1e-3) == reaches


def test_a_hundred_linear_steps_leave_a_third_of_the_data():
    linear = NoiseSchedule("linear", 100)
    assert float(linear.alpha_bar[100]) == pytest.approx(0.364, abs=5e-4)
    assert linear.terminal_kl == pytest.approx(-0.5 * math.log(1 - 0.364), abs=5e-4)
    assert float(NoiseSchedule("linear", 50).alpha_bar[50]) == pytest.approx(0.60, abs=5e-3)


@pytest.mark.parametrize("name", SCHEDULES)
def test_nearest_step(name):
    schedule = NoiseSchedule(name, 50)
    angle = torch.linspace(0, math.pi / 2, 301)[:, None]
    brute = 1 + (schedule.angle[1:] - angle.double()).abs().argmin(dim=1, keepdim=True)
    assert (schedule.nearest(angle) == brute).all()


def test_log_normal_levels():
    """10,000 stratified quantiles have the moments of N(−1.2, 1.2²) within 0.01."""
    torch.manual_seed(0)
    log_sigma = log_normal(10_000, -1.2, 1.2).log()
    assert log_sigma.shape == (10_000, 1)
    assert float(log_sigma.mean()) == pytest.approx(-1.2, abs=0.01)
    assert float(log_sigma.std()) == pytest.approx(1.2, abs=0.01)
