"""EDM: preconditioning identities, the sampler's order, and density and samples of an exact denoiser of Gaussian data."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

import genbench
from genbench.core.errors import GenbenchError
from genbench.models.ddpm import DDPM
from genbench.models.edm import EDM
from genbench.nn.time_network import TimeNetwork

MEAN = torch.tensor([0.3, -0.2])
COVARIANCE = torch.tensor([[1.2, 0.7], [0.7, 0.8]])
TRUTH = MultivariateNormal(MEAN, COVARIANCE)


class Exact(TimeNetwork):
    """The F whose D is E[y | x] at x = y + σ n for y from N(m, C): (E[y | x] − c_skip x) / c_out of x = F's input / c_in."""

    def __init__(self, mean=MEAN, covariance=COVARIANCE):
        super().__init__()
        eigenvalues, U = torch.linalg.eigh(covariance)
        for name, value in {"mean": mean, "eigenvalues": eigenvalues, "U": U}.items():
            self.register_buffer(name, value)

    def forward(self, inputs, time):
        sigma = (8 * time - 4.8).exp()  # time = (¼ ln σ + 1.2) / 2
        x = inputs * (sigma**2 + 1).sqrt()
        shrink = self.eigenvalues / (self.eigenvalues + sigma**2)
        y = self.mean + ((x - self.mean) @ self.U * shrink) @ self.U.T
        return (y - x / (sigma**2 + 1)) * (sigma**2 + 1).sqrt() / sigma


def untrained(network, **params):
    """A model whose network is a known function of (c_in x, c_noise)."""
    model = EDM(**params)
    model.shape = (2,)
    model.network = network
    return model


class Recorder(TimeNetwork):
    """Keeps what the network was given, and says 0."""

    def forward(self, inputs, time):
        self.inputs, self.c_noise = inputs, 2 * time - 1.2
        return torch.zeros_like(inputs)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 1.0, 20.0])
def test_inputs_and_targets_of_the_network_have_unit_variance(sigma):
    """For data of variance 1 (the paper's conditions B.2 and B.3); n = 200,000 variances within 4.5 · 0.0032: 1e-5 each."""
    torch.manual_seed(0)
    y, sigma = torch.randn(100_000, 2), torch.tensor(sigma)
    x, recorder = y + sigma * torch.randn_like(y), Recorder()
    model = untrained(recorder)
    c_skip_x = model.denoise(x, sigma)
    assert float(recorder.inputs.var()) == pytest.approx(1, abs=0.015)
    c_out = untrained(lambda x, c: torch.ones_like(x)).denoise(x, sigma) - c_skip_x
    target = (y - c_skip_x) / c_out
    assert float(target.var()) == pytest.approx(1, abs=0.015)
    assert float(recorder.c_noise) == pytest.approx(math.log(float(sigma)) / 4, abs=1e-5)


def test_loss_of_a_network_that_says_nothing_is_one():
    """λ(σ) ‖D − y‖² = ‖F − target‖², and the target has unit variance: 200,000 squares within 4.5 · 0.0032: 1e-5."""
    torch.manual_seed(0)
    assert float(untrained(Recorder()).training_loss(torch.randn(100_000, 2))) == pytest.approx(1, abs=0.015)


def test_training_noise_is_log_normal():
    """10,000 stratified quantiles of N(−1, 0.7²) have its moments within 0.01."""
    torch.manual_seed(0)
    recorder = Recorder()
    untrained(recorder, noise_mean=-1.0, noise_std=0.7).training_loss(torch.randn(10_000, 2))
    log_sigma = 4 * recorder.c_noise
    assert float(log_sigma.mean()) == pytest.approx(-1.0, abs=0.01)
    assert float(log_sigma.std()) == pytest.approx(0.7, abs=0.01)


def test_the_network_is_minus_the_velocity_of_ddpm():
    """At φ = arctan σ, ddpm's x̂_0 from v = −F is D, at the point scaled by cos φ."""
    torch.manual_seed(0)
    sigma, x = torch.tensor(0.7), torch.randn(50, 2)
    edm, ddpm = untrained(Exact()), DDPM()
    angle = sigma.atan()
    ddpm.network = lambda y, t: edm.velocity(y, (8 * t - 4.8).exp().atan())
    torch.testing.assert_close(ddpm.ends(angle.cos() * x, angle)[0], edm.denoise(x, sigma), atol=1e-5, rtol=1e-5)


def test_score_is_the_closed_form():
    """∇ log p(x; σ) = (D − x) / σ² (eq. 3), and p(·; σ) is N(m, C + σ² I)."""
    torch.manual_seed(0)
    model = untrained(Exact())
    for sigma in torch.tensor([0.05, 1.0, 20.0]):
        x = (3 * torch.randn(50, 2)).requires_grad_()
        density = MultivariateNormal(MEAN, COVARIANCE + sigma**2 * torch.eye(2))
        (score,) = torch.autograd.grad(density.log_prob(x).sum(), x)
        torch.testing.assert_close((model.denoise(x, sigma) - x) / sigma**2, score, atol=1e-3, rtol=1e-3)


def test_density_of_the_exact_network_is_the_gaussians():
    torch.manual_seed(0)
    x = TRUTH.sample((200,))
    error = untrained(Exact(), density_steps=50).log_prob(x) - TRUTH.log_prob(x)
    assert error.abs().max() < 0.02  # the mean, 1/80 of the noise at σ_max, is what is left of the data there
    assert error.mean().abs() < 2e-3


def test_grid_is_the_papers():
    """Equation 5 at its ends and in the middle, σ = ((80^(1/7) + 0.002^(1/7)) / 2)^7 = 2.515."""
    levels = EDM(steps=19, sigma_min=0.002, sigma_max=80, rho=7).noise_levels()
    assert len(levels) == 20
    np.testing.assert_allclose(levels[[0, 9, 18, 19]], [80, 2.5152, 0.002, 0], rtol=1e-3)


def test_heun_is_of_second_order():
    """On N(0, s²) data the flow has the solution x(σ) ∝ √(s² + σ²); half the step, a quarter of the error."""
    model = untrained(Exact(torch.zeros(2), 0.25 * torch.eye(2)).double())
    errors = []
    for steps in (20, 40, 80):
        x, levels = torch.ones(1, 2, dtype=torch.float64), torch.linspace(3, 0.1, steps + 1, dtype=torch.float64)
        for sigma, lower in pairwise(levels):
            x = model.heun(x, sigma, lower)
        errors.append(abs(float(x[0, 0]) - math.sqrt((0.25 + 0.01) / (0.25 + 9))))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize(("churn", "steps"), [(0.0, 40), (10.0, 200)])
def test_samples_have_the_moments_of_the_data(churn, steps):
    """n = 20,000: the standard error of a variance of 1.2 is 0.012, of a mean 0.008; five moments within 4.5: 3e-5."""
    torch.manual_seed(0)
    model = untrained(Exact(), churn=churn, steps=steps)
    x = model.sample(20_000)
    assert model.nfe == 2 * steps - 1
    assert (x.mean(0) - MEAN).abs().max() < 0.036
    assert (x.T.cov() - COVARIANCE).abs().max() < 0.06


@pytest.mark.slow
def test_trained_density_on_gaussian_data():
    torch.manual_seed(0)
    x, test = TRUTH.sample((20_000,)), TRUTH.sample((5000,))
    model = genbench.load_model("edm").fit(x.numpy(), budget="1500")
    excess = TRUTH.log_prob(test).numpy() - model.log_prob(test.numpy())
    assert -0.01 < excess.mean() < 0.03


@pytest.mark.parametrize(
    "bad",
    [
        {"hidden": 0},
        {"steps": 1},
        {"sigma_min": 0.0},
        {"sigma_min": 100.0},
        {"noise_std": 0.0},
        {"rho": 0.0},
        {"churn": -1.0},
    ],
)
def test_bad_parameters_are_refused(bad):
    with pytest.raises(GenbenchError, match=f"{next(iter(bad))}=.* must"):
        genbench.load_model("edm", **bad)
