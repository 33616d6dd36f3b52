"""The continuous normalizing flow: its likelihood gradient, and Gaussian data."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError
from genbench.models.cnf import CNF
from genbench.training.trainer import TrainingOptions, train

TRUTH = MultivariateNormal(torch.tensor([0.3, -0.2]), torch.tensor([[1.2, 0.7], [0.7, 0.8]]))


def test_it_starts_as_the_identity():
    model = CNF()
    model.build((3,))
    x = torch.randn(5, 3)
    expected = MultivariateNormal(torch.zeros(3), torch.eye(3)).log_prob(x)
    torch.testing.assert_close(model.log_prob(x), expected)


def test_the_loss_is_the_mean_negative_log_likelihood_and_its_gradient_goes_through_the_solver():
    """Against finite differences in float64, one weight of each layer."""
    torch.manual_seed(0)
    model = CNF(hidden=8, error_weight=0.0, training_steps=3)
    model.build((2,))
    model.double()
    with torch.no_grad():
        model.velocity.net[-1].weight.normal_()
    x = torch.randn(20, 2, dtype=torch.float64)

    def loss():
        torch.manual_seed(1)  # the same random grid
        return model.training_loss(x)

    loss().backward()
    for layer in (model.velocity.net[0], model.velocity.net[2], model.velocity.net[-1]):
        derivative, h = layer.weight.grad[0, 0].item(), 1e-5
        values = []
        for shift in (h, -2 * h):
            with torch.no_grad():
                layer.weight[0, 0] += shift
                values.append(loss().item())
        with torch.no_grad():
            layer.weight[0, 0] += h
        assert (values[0] - values[1]) / (2 * h) == pytest.approx(derivative, rel=1e-5)
    fine = CNF(hidden=8, density_steps=60)
    fine.build((2,))
    fine.double().load_state_dict(model.state_dict())
    assert loss().item() == pytest.approx(-fine.log_prob(x).mean().item(), abs=0.05)


def test_what_the_solver_misses_costs_its_square():
    """dx/dt = x: a step h adds the midpoint rule's h³/6 + h⁴/24 to x, and of the log-density, whose slope is 1, none."""
    model = CNF(training_steps=1, error_weight=3.0)
    model.build((2,))
    model.velocity.jvp = lambda x, t, v: (x, v.expand(-1, *x.shape))
    x = torch.randn(50, 2)
    honest, charged = model.eval().training_loss(x), model.train().training_loss(x)
    one = CNF(training_steps=1, error_weight=0.0)
    one.build((2,))
    one.velocity.jvp = model.velocity.jvp
    error = x * (-1 / 6 + 1 / 24)  # of the one step from 1 to 0
    expected = 3 * error.square().sum(1).mean()
    torch.testing.assert_close(charged - one.train().training_loss(x), expected)
    exact = 0.5 * (x * math.exp(-1)).square().sum(1).mean() + math.log(2 * math.pi) + 2
    torch.testing.assert_close(honest, exact, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("progress", "steps"), [(0.0, 3), (0.4, 5), (1.0, 6)])
def test_a_training_takes_finer_grids_towards_its_end(progress, steps):
    model = CNF(training_steps=6)
    model.build((2,))
    seen, model.progress = [], progress
    model.velocity.jvp = lambda x, t, v: seen.append(float(t)) or (x, 0 * v.expand(-1, *x.shape))
    model.training_loss(torch.randn(5, 2))
    assert len(seen) == 4 * steps
    assert (seen[0], seen[-1]) == (1.0, pytest.approx(0.0, abs=1e-6))


@pytest.mark.slow
def test_gaussian_data():
    torch.manual_seed(0)
    x = TRUTH.sample((5000,))
    model = CNF(hidden=16, depth=2, training_steps=2)
    train(model, x.numpy(), TRUTH.sample((1000,)).numpy(), TrainingOptions(Budget("250")), Recipe(lr=1e-2, ema=0.9))
    x = TRUTH.sample((4000,))
    with torch.no_grad():
        assert 0 < (TRUTH.log_prob(x) - model.log_prob(x)).mean() < 0.02
        sample = model.sample(10_000)
    assert model.nfe == 80
    assert (sample.T.cov() - TRUTH.covariance_matrix).abs().max() < 0.1


@pytest.mark.parametrize("bad", [{"hidden": 0}, {"training_steps": 0}, {"error_weight": -1}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(GenbenchError, match=f"{next(iter(bad))}="):
        genbench.load_model("cnf", **bad)
