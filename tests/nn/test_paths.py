"""Paths: velocities against differentiation, and the exact flow between Gaussians along each path."""

import math

import pytest
import torch

from genbench.nn.minibatch_ot import entropic_pairing
from genbench.nn.ode import integrate
from genbench.nn.paths import Bridge, Lipman, Straight, Trigonometric, VariancePreserving

AFFINE = [Straight(), Lipman(0.01), Trigonometric(), VariancePreserving()]


@pytest.mark.parametrize("path", AFFINE)
def test_the_velocity_is_the_derivative(path):
    x0, x1 = torch.randn(2, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for time in (0.1, 0.5, 0.9, 0.99):
        t = torch.tensor([[time]], dtype=torch.float64)
        _, velocity = path.draw(x0, x1, t)
        derivative = torch.autograd.functional.jacobian(lambda s, a=x0, b=x1: path.draw(a, b, s)[0], t).flatten()
        torch.testing.assert_close(velocity.flatten(), derivative)


@pytest.mark.parametrize("path", AFFINE)
def test_the_ends(path):
    x0, x1, one = torch.tensor([[1.0, 2.0]]), torch.tensor([[-3.0, 5.0]]), torch.ones(1, 1)
    end = {Lipman: 0.01, VariancePreserving: 1e-3}.get(type(path), 0.0)  # β at t = 1
    torch.testing.assert_close(path.draw(x0, x1, one)[0], x1 + end * x0, atol=1e-5, rtol=1e-4)
    alpha, beta, *_ = path.coefficients(0 * one)
    left = math.exp(-0.5 * (0.1 + 0.5 * 19.9)) if isinstance(path, VariancePreserving) else 0.0
    assert float(alpha) == pytest.approx(left, abs=1e-6)
    assert float(beta) == pytest.approx(math.sqrt(1 - left**2))


@pytest.mark.parametrize("path", [Trigonometric(), VariancePreserving()])
def test_variance_is_preserved(path):
    alpha, beta, *_ = path.coefficients(torch.linspace(0, 1, 50, dtype=torch.float64))
    torch.testing.assert_close(alpha**2 + beta**2, torch.ones(50, dtype=torch.float64))


@pytest.mark.parametrize("path", AFFINE)
def test_the_velocity_tells_both_ends(path):
    x0, x1, t = torch.randn(3, 5, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    t = t.sigmoid()
    xt, ut = path.draw(x0, x1, t)
    torch.testing.assert_close(path.ends(xt, ut, t), (x1, x0))


@pytest.mark.parametrize("path", AFFINE)
def test_the_end_of_a_path_tells_its_velocity(path):
    x0, x1, t = torch.randn(3, 5, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    t = 0.9 * t.sigmoid()
    xt, ut = path.draw(x0, x1, t)
    torch.testing.assert_close(path.towards(xt, x1, t), ut)


def test_close_to_the_data_the_end_is_neared_at_a_bounded_rate():
    x, end = torch.zeros(1, 1), torch.ones(1, 1)
    assert float(Straight().towards(x, end, torch.ones(1, 1))) == pytest.approx(1 / Straight.nearest)


@pytest.mark.parametrize("path", AFFINE)
def test_the_exact_flow_carries_the_noise_to_gaussian_data(path):
    """x1 ~ N(m, s²): E[u | x] = α′m + (αα′s² + ββ′)/(α²s² + β²) (x − αm), followed on the path's own grid."""
    m, s = 0.7, 0.1

    def velocity(x, t):
        alpha, beta, alpha_rate, beta_rate = path.coefficients(t)
        gain = (alpha * alpha_rate * s**2 + beta * beta_rate) / (alpha**2 * s**2 + beta**2)
        return alpha_rate * m + gain * (x - alpha * m)

    x0 = torch.tensor([[-1.0], [0.0], [2.0]])
    x1 = integrate(velocity, x0, path.time(torch.linspace(0, 1, 21)), "rk4").x
    alpha, beta, *_ = path.coefficients(torch.tensor(1.0))
    end = (alpha**2 * s**2 + beta**2).sqrt()
    # the diffusion path starts at N(αm, 1 − α²(1 − s²)), not at N(0, 1): α = 0.0066
    torch.testing.assert_close(x1, m + end * x0, atol=2e-3, rtol=0)


def test_noise_around_a_straight_path():
    torch.manual_seed(0)
    x0, x1 = torch.zeros(20_000, 1), torch.ones(20_000, 1)
    xt, ut = Straight(0.3).draw(x0, x1, torch.full((20_000, 1), 0.25))
    assert xt.mean().item() == pytest.approx(0.25, abs=0.01)
    assert xt.std().item() == pytest.approx(0.3, rel=0.03)
    assert (ut == 1).all()


@pytest.mark.parametrize("time", [0.2, 0.5, 0.8])
def test_the_bridge_between_gaussians(time):
    """Entropic pairs of N(−a, I) and N(a, I), bridged: mean 2at − a, variance √(4 + σ⁴) t(1−t) + (1−t)² + t²."""
    a, sigma, n = 1.0, 1.0, 128 * 80
    torch.manual_seed(0)
    x0, x1 = torch.randn(n, 1) - a, torch.randn(n, 1) + a
    t = torch.full((n, 1), time)
    xt, ut = Bridge(sigma).draw(x0[entropic_pairing(x0, x1, sigma)], x1, t)
    variance = math.sqrt(4 + sigma**4) * time * (1 - time) + (1 - time) ** 2 + time**2
    assert xt.mean().item() == pytest.approx(2 * a * time - a, abs=0.05)
    assert xt.var().item() == pytest.approx(variance, rel=0.06)
    # E[u | x] is linear, with slope ½ (d variance / dt) / variance
    slope = ((math.sqrt(4 + sigma**4) * (1 - 2 * time) - 2 * (1 - time) + 2 * time) / 2) / variance
    centred = xt - xt.mean()
    assert ((centred * ut).mean() / centred.square().mean()).item() == pytest.approx(slope, abs=0.05)


def test_a_sigma_too_small_for_sinkhorn_says_so():
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=r"sigma=0.001 is too small"):
        entropic_pairing(torch.randn(64, 2), torch.randn(64, 2), 0.001)
