"""Solvers against closed forms; divergence against autograd; log-likelihood against a Gaussian."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from genbench.nn.mlp import mlp
from genbench.nn.ode import (
    basis,
    divergence,
    graded,
    integrate,
    likelihood_by_nodes,
    log_likelihood,
    rademacher,
    rk4,
    standard_normal,
)

A = torch.tensor([[-0.5, 1.2], [-0.9, 0.3]], dtype=torch.float64)
START = torch.tensor([[1.0, -0.5], [0.3, 2.0], [-1.5, 0.1]], dtype=torch.float64)


def field(x, t):
    """dx/dt = cos(t) A x, solved by x(t) = exp(sin(t) A) x(0)."""
    return t.cos() * (x @ A.T)


def exact(t):
    return START @ torch.linalg.matrix_exp(math.sin(t) * A).T


def never_fed_back(field, x, times, solver):
    """The bug: every step starts from the first state."""
    for i in range(len(times) - 1):
        new = integrate(field, x, times[i : i + 2], solver).x
    return (new,)


def observed_order(solve, solver):
    """Exponent of h in the error at t = 1.5, from a step and its half."""
    errors = []
    for steps in (40, 80):
        times = torch.linspace(0, 1.5, steps + 1, dtype=torch.float64)
        errors.append(float((solve(field, START, times, solver)[0] - exact(1.5)).norm()))
    return math.log2(errors[0] / errors[1])


ORDERS = [("euler", 1), ("midpoint", 2), ("rk4", 4)]


@pytest.mark.parametrize(("solver", "order"), ORDERS)
def test_order_by_step_halving(solver, order):
    assert observed_order(integrate, solver) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("solver", "order"), ORDERS)
def test_an_integrator_that_never_feeds_the_state_back_fails_the_order_test(solver, order):
    assert observed_order(never_fed_back, solver) != pytest.approx(order, abs=0.1)


def test_rk4_says_by_how_much_the_midpoint_rule_misses():
    t, h = torch.tensor(0.2, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    state, error = rk4(field, START, t, h)
    for solver, expected in (("rk4", state), ("midpoint", state - error)):
        torch.testing.assert_close(integrate(field, START, torch.stack([t, t + h]), solver).x, expected)


@pytest.mark.parametrize(("solver", "nfe"), [("euler", 10), ("midpoint", 20), ("rk4", 40)])
def test_evaluations_of_fixed_steps(solver, nfe):
    assert integrate(field, START, torch.linspace(0, 1, 11, dtype=torch.float64), solver).nfe == nfe


def test_dopri5_meets_its_tolerance_and_counts_its_evaluations():
    calls = 0

    def counting(x, t):
        nonlocal calls
        calls += 1
        return field(x, t)

    ends = torch.tensor([0, 1.5], dtype=torch.float64)
    rough, fine = (integrate(counting, START, ends, "dopri5", tolerance) for tolerance in (1e-3, 1e-9))
    assert (rough.x - exact(1.5)).abs().max() < 1e-2
    assert (fine.x - exact(1.5)).abs().max() < 1e-7
    assert rough.nfe < fine.nfe
    assert rough.nfe + fine.nfe == calls


@pytest.mark.parametrize("solver", ["rk4", "dopri5"])
def test_a_falling_grid_goes_back_to_the_start(solver):
    times = torch.linspace(0, 1.5, 101, dtype=torch.float64)
    there = integrate(field, START, times, solver, 1e-9).x
    back = integrate(field, there, times.flip(0), solver, 1e-9).x
    torch.testing.assert_close(back, START, atol=1e-7, rtol=0)


def test_an_uneven_grid_is_followed():
    times = 1.5 * torch.linspace(0, 1, 101, dtype=torch.float64).square()
    torch.testing.assert_close(integrate(field, START, times, "rk4").x, exact(1.5), atol=1e-7, rtol=0)


def test_graded_grid_runs_from_noise_to_data_and_is_finer_there():
    for noise, data in ((0, 1), (1.5, 0)):
        times = graded(noise, data, 10)
        assert (times[0], times[-1]) == (noise, data)
        assert (times.diff() * (data - noise) > 0).all()
        assert (times.diff().abs().diff() < 0).all()


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="solver=heun is unknown"):
        integrate(field, START, torch.linspace(0, 1, 3), "heun")
    with pytest.raises(ValueError, match="no grid"):
        integrate(field, START, torch.zeros(1))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_divergence_is_the_trace_of_the_jacobian(d):
    torch.manual_seed(d)
    net = mlp(d, 16, 2, d).double()
    x = torch.randn(7, d, dtype=torch.float64)
    jacobian = torch.func.vmap(torch.func.jacrev(net))(x)  # (7, d, d)
    with torch.no_grad():
        value, trace = divergence(lambda x, t: t * net(x), x, torch.tensor(0.7), basis(x))
        torch.testing.assert_close(value, 0.7 * net(x))
    torch.testing.assert_close(trace, 0.7 * jacobian.diagonal(dim1=1, dim2=2).sum(1))
    assert not value.requires_grad
    assert not trace.requires_grad


def test_hutchinson_is_unbiased():
    """The mean of 4000 estimates lies within 4 standard errors of the trace at each of 5 points: error rate 3e-4."""
    torch.manual_seed(0)
    d, probes = 6, 4000
    net = mlp(d, 32, 2, d).double()
    x = torch.randn(5, d, dtype=torch.float64)
    exact_trace = divergence(lambda x, t: net(x), x, torch.tensor(0.0), basis(x))[1]
    many = x.repeat_interleave(probes, dim=0)
    estimates = divergence(lambda x, t: net(x), many, torch.tensor(0.0), rademacher(many, 1))[1].reshape(5, probes)
    standard_error = estimates.std(dim=1) / math.sqrt(probes)
    assert (standard_error > 0).all()
    assert ((estimates.mean(1) - exact_trace).abs() < 4 * standard_error).all()


def test_several_probes_are_averaged():
    x = torch.randn(3, 4)
    assert torch.allclose((rademacher(x, 8) ** 2).sum(0), torch.ones(3, 4))


DRIFT = torch.tensor([0.4, -1.1], dtype=torch.float64)
MAP = torch.linalg.matrix_exp(A)  # noise z at t = 0 arrives at MAP z + A⁻¹ (MAP − I) DRIFT at t = 1


def affine(x, t):
    return x @ A.T + DRIFT


@pytest.mark.parametrize(("solver", "steps"), [("midpoint", 400), ("rk4", 20), ("dopri5", 1)])
def test_log_likelihood_of_an_affine_flow(solver, steps):
    mean = torch.linalg.solve(A, (MAP - torch.eye(2, dtype=torch.float64)) @ DRIFT)
    truth = MultivariateNormal(mean, MAP @ MAP.T)
    torch.manual_seed(0)
    x = truth.sample((50,))
    times = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    density = log_likelihood(affine, x, times, solver, tolerance=1e-8)
    torch.testing.assert_close(density.log_prob, truth.log_prob(x), atol=1e-5, rtol=0)
    torch.testing.assert_close(density.noise, torch.linalg.solve(MAP, (x - mean).T).T, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grade", [1.0, 1.5, 3.0])
def test_likelihood_by_nodes_of_an_affine_flow(grade):
    """The trace is constant here; the error is that of the Runge-Kutta steps, larger where the grid is uneven."""
    mean = torch.linalg.solve(A, (MAP - torch.eye(2, dtype=torch.float64)) @ DRIFT)
    truth = MultivariateNormal(mean, MAP @ MAP.T)
    torch.manual_seed(0)
    x = truth.sample((50,))
    calls = []

    def counted(x, t):
        calls.append(float(t))
        return affine(x, t)

    density = likelihood_by_nodes(counted, x, 1.0, 0.0, 20, grade)
    torch.testing.assert_close(density.log_prob, truth.log_prob(x), atol=1e-3 if grade == 3 else 3e-5, rtol=0)
    torch.testing.assert_close(density.noise, torch.linalg.solve(MAP, (x - mean).T).T, atol=1e-3, rtol=0)
    assert len(calls) == density.nfe == 84
    assert (max(calls), min(calls)) == (1, 0)


def test_likelihood_by_nodes_integrates_a_trace_that_changes():
    """dx/dt = 3t² x: log p(x) = log N(x e⁻¹) − 1. Two nodes are exact for 3t², but not their steps of the state x."""
    x = torch.linspace(-2, 2, 9, dtype=torch.float64).unsqueeze(1)
    truth = standard_normal(x / math.e) - 1
    few, many = (likelihood_by_nodes(lambda x, t: 3 * t**2 * x, x, 1.0, 0.0, n, 1.0).log_prob for n in (2, 30))
    assert float(few[4] - truth[4]) == pytest.approx(0, abs=1e-12)  # at x = 0, which stays there
    torch.testing.assert_close(many, truth, atol=1e-5, rtol=0)


def test_likelihood_by_nodes_with_probes_is_unbiased():
    """Within 4 standard errors: error rate 6e-5."""
    torch.manual_seed(0)
    x = torch.tensor([[0.5, -0.2]], dtype=torch.float64).expand(4000, 2)
    estimate = likelihood_by_nodes(affine, x, 1.0, 0.0, 8, directions=rademacher(x, 1)).log_prob
    truth = likelihood_by_nodes(affine, x[:1], 1.0, 0.0, 8).log_prob
    assert (estimate.mean() - truth).abs() < 4 * estimate.std() / math.sqrt(4000)


def test_log_likelihood_with_probes_is_unbiased():
    """The mean over 4000 copies of a point is within 4 standard errors of the exact value: error rate 6e-5."""
    torch.manual_seed(0)
    x = torch.tensor([[0.5, -0.2]], dtype=torch.float64).expand(4000, 2)
    times = torch.linspace(1, 0, 11, dtype=torch.float64)
    estimate = log_likelihood(affine, x, times, directions=rademacher(x, 1)).log_prob
    truth = log_likelihood(affine, x[:1], times).log_prob
    assert (estimate.mean() - truth).abs() < 4 * estimate.std() / math.sqrt(4000)
