"""Ordinary differential equations dx/dt = f(x, t): solvers, divergence, likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from genbench.nn.float64 import widest
from genbench.numerics.quadrature import gauss_legendre

__all__ = [
    "EXACT_UP_TO",
    "SOLVERS",
    "Density",
    "Field",
    "Jvp",
    "Solution",
    "Track",
    "Watch",
    "basis",
    "divergence",
    "graded",
    "integrate",
    "likelihood_by_nodes",
    "log_likelihood",
    "rademacher",
    "rk4",
    "standard_normal",
    "stochastic_euler",
    "with_divergence",
]

EXACT_UP_TO = 10  # by hand: coordinates up to which the trace of the Jacobian, and so the likelihood, is exact

GRADE = 1.5  # by hand: exponent of the grid that is finer towards the data

Field = Callable[[Tensor, Tensor], Tensor]  # x (b, d), t () -> dx/dt (b, d)
Jvp = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # x, t, v (k, b, d) -> dx/dt (b, d), Jv (k, b, d)
Watch = Callable[[Tensor, Tensor], None]  # t (), x (b, d): told of each state on the way, the first and last included


class Track:
    """A `Watch` that keeps its times and states."""

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, Tensor]] = []

    def __call__(self, t: Tensor, x: Tensor) -> None:
        self.seen.append((t, x))

    def stacked(self) -> tuple[Tensor, Tensor]:
        """Return the times (k,) and the states (k, b, d)."""
        return torch.stack([t for t, _ in self.seen]), torch.stack([x for _, x in self.seen])


class Solution(NamedTuple):
    """The state (b, d) at the last time, and the number of evaluations of the field."""

    x: Tensor
    nfe: int


class Density(NamedTuple):
    """log p (b,) in nats, the noise (b, d) at the end of the flow, and the evaluations.

    `standard_error` (b,) is that of the random trace, from the spread of its directions; None if the trace is exact, or
    if there is only one direction.
    """

    log_prob: Tensor
    noise: Tensor
    nfe: int
    standard_error: Tensor | None = None


def _euler(f: Field, x: Tensor, t: Tensor, h: Tensor) -> Tensor:
    return x + h * f(x, t)


def _midpoint(f: Field, x: Tensor, t: Tensor, h: Tensor) -> Tensor:
    return x + h * f(x + h / 2 * f(x, t), t + h / 2)


def _rk4(f: Field, x: Tensor, t: Tensor, h: Tensor) -> Tensor:
    return rk4(f, x, t, h)[0]


def rk4(f: Field, x: Tensor, t: Tensor, h: Tensor, slope: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the state (b, d) after a fourth-order Runge–Kutta step, and an error estimate.

    The estimate is the error of the midpoint rule. This rule uses only the second of the four slopes, so that its
    error, of order h³, needs no further evaluation. The first slope, f(x, t), may be given.
    """
    k1 = f(x, t) if slope is None else slope
    k2 = f(x + h / 2 * k1, t + h / 2)
    k3 = f(x + h / 2 * k2, t + h / 2)
    k4 = f(x + h * k3, t + h)
    step = h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x + step, step - h * k2


_STEPS = {"euler": _euler, "midpoint": _midpoint, "rk4": _rk4}
SOLVERS = (*_STEPS, "dopri5")


def integrate(
    field: Field,
    x: Tensor,
    times: Tensor,
    solver: str = "midpoint",
    tolerance: float = 1e-5,
    watch: Watch | None = None,
) -> Solution:
    """Solve dx/dt = field(x, t) from times[0] to times[-1].

    It returns the last state, and the number of evaluations.

    Args:
        x: the state (b, d) at times[0].
        times: the grid (steps + 1,), rising or falling; "dopri5" uses only its ends.
        solver: "euler", "midpoint", "rk4" (of order 1, 2, 4, with 1, 2, 4 evaluations for each step), or "dopri5",
            which is adaptive.
        tolerance: tolerance of "dopri5", relative and absolute, for the root mean square over the whole batch.
        watch: called with the state at each time of the grid.

    Raises:
        ValueError: the solver is unknown, or the grid has fewer than two times.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver={solver} is unknown; choose one of {', '.join(SOLVERS)}")
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times of shape {tuple(times.shape)} are no grid; give (steps + 1,) with at least one step")
    evaluations = 0

    def counted(x: Tensor, t: Tensor) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return field(x, t)

    if solver == "dopri5":
        with torch.device("cpu"):  # where its tables are to be, whatever the first device that asks for them
            from torchdiffeq import odeint

        asked = times[[0, -1]] if watch is None else times  # the steps are the same
        rules: dict[str, Any] = {"rtol": tolerance, "atol": tolerance, "method": "dopri5"}
        states = odeint(lambda t, x: counted(x, t), x, asked, options={"dtype": widest(x.device)}, **rules)
        if watch:
            for t, state in zip(times, states, strict=True):
                watch(t, state)
        return Solution(states[-1], evaluations)
    step = _STEPS[solver]
    if watch:
        watch(times[0], x)
    for t, h, after in zip(times[:-1], times.diff(), times[1:], strict=True):
        x = step(counted, x, t, h)
        if watch:
            watch(after, x)
    return Solution(x, evaluations)


def stochastic_euler(
    drift: Field, diffusion: Callable[[Tensor], Tensor], x: Tensor, times: Tensor, watch: Watch | None = None
) -> Solution:
    """Solve dx = drift(x, t) dt + g(t) dW by the Euler–Maruyama method; see `integrate`.

    `diffusion` is g.
    """
    if watch:
        watch(times[0], x)
    for t, h, after in zip(times[:-1], times.diff(), times[1:], strict=True):
        x = x + h * drift(x, t) + diffusion(t) * h.sqrt() * torch.randn_like(x)
        if watch:
            watch(after, x)
    return Solution(x, len(times) - 1)


def graded(noise: float, data: float, steps: int) -> Tensor:
    """Return a grid (steps + 1,) from the noise's time to the data's, finer near the data.

    A flow changes fastest where the thin structures of the data appear.
    """
    return data + (noise - data) * torch.linspace(1, 0, steps + 1).pow(GRADE)


def basis(x: Tensor) -> Tensor:
    """Return the d unit vectors (d, 1, d), with which `divergence` is exact."""
    return torch.eye(x.shape[1], dtype=x.dtype).unsqueeze(1)


def rademacher(x: Tensor, probes: int) -> Tensor:
    """Return random signs over √probes (probes, b, d), for Hutchinson's estimate (1989).

    It is the estimate of `divergence`.
    """
    return (2 * torch.randint(2, (probes, *x.shape)).to(x) - 1) / math.sqrt(probes)


def pullback(field: Field) -> Jvp:
    """Return a function that gives the value of a field and vᵀJ, by one backward pass each.

    For `divergence`, vᵀJ is as good as Jv: both give vᵀJv.
    """

    def derivative(x: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            value = field(x, t)
            parts = [torch.autograd.grad(value, x, one, retain_graph=True)[0] for one in v.expand(-1, *x.shape)]
        return value.detach(), torch.stack(parts)

    return derivative


def divergence(field: Field, x: Tensor, t: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return field(x, t) (b, d) and Σₖ vₖᵀ J vₖ (b,), where J = ∂field/∂x.

    The sum is the trace of J when Σₖ vₖ vₖᵀ = I, and estimates it without bias when that holds in expectation. The
    directions v (k, b, d) or (k, 1, d) are from `basis` or `rademacher`; each row of the field's value must depend only
    on the same row of x.
    """
    value, products = pullback(field)(x, t, directions)
    return value, (products * directions).sum(dim=(0, 2))


def with_divergence(derivative: Jvp, directions: Tensor) -> Field:
    """Return the field with the terms vₖᵀ J vₖ of `divergence` as further columns: (b, d + k)."""
    d = directions.shape[2]

    def augmented(state: Tensor, t: Tensor) -> Tensor:
        value, products = derivative(state[:, :d], t, directions)
        return torch.cat([value, (products * directions).sum(2).T], dim=1)

    return augmented


def standard_normal(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) in nats (b,) for z (b, d)."""
    return -0.5 * z.square().sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def log_likelihood(
    field: Field,
    x: Tensor,
    times: Tensor,
    solver: str = "rk4",
    tolerance: float = 1e-5,
    directions: Tensor | None = None,
    jvp: Jvp | None = None,
    log_base: Callable[[Tensor], Tensor] = standard_normal,
) -> Density:
    """Return log p(x) of data x (b, d) whose flow to noise follows dx/dt = field(x, t).

    The instantaneous change of variables, d log p(x(t))/dt = −tr ∂field/∂x (Chen et al. 2018, eq. 8), is integrated
    together with the state: log p(x) = log p₀(z) + ∫ tr ∂field/∂x dt along the path from the data x to the noise z.

    Args:
        times: the grid (steps + 1,) from the time of the data to the time of the noise.
        solver, tolerance: see `integrate`.
        directions: see `divergence`; the same in the whole solve. If not given, they are the unit vectors, and the
            trace is exact.
        jvp: a fast function for the value (b, d) and derivatives (k, b, d) of the field along directions (k, b, d), if
            there is one.
        log_base: log p₀ in nats (b,) of noise (b, d); the standard normal if not given.
    """
    exact = directions is None
    v = basis(x) if directions is None else directions
    d = x.shape[1]
    start = torch.cat([x, x.new_zeros(len(x), len(v))], dim=1)
    end, nfe = integrate(with_divergence(jvp or pullback(field), v), start, times, solver, tolerance)
    z, gains = end[:, :d], end[:, d:]
    spread = None if exact or len(v) == 1 else gains.std(dim=1) * math.sqrt(len(v))
    return Density(log_base(z) + gains.sum(1), z, nfe, spread)


def likelihood_by_nodes(
    field: Field,
    x: Tensor,
    data: float,
    noise: float,
    nodes: int,
    grade: float = GRADE,
    directions: Tensor | None = None,
    jvp: Jvp | None = None,
    log_base: Callable[[Tensor], Tensor] = standard_normal,
) -> Density:
    """Return log p(x) like `log_likelihood`, with the trace only at Gauss–Legendre nodes.

    The trace needs d more evaluations than the field, but is smooth along a path. The state goes from node to node by a
    fourth-order Runge–Kutta step, and the integral of the trace is a weighted sum. If the trace were integrated with
    the state, it would be evaluated four times as often.

    Args:
        data, noise: the times of the data and of the noise.
        nodes: number of nodes of the rule over s in [0, 1], where the time is data + (noise − data) s^grade.
        directions, jvp, log_base: as for `log_likelihood`.
    """
    v = basis(x) if directions is None else directions
    places, weights = gauss_legendre(np.array([0.0, 1.0]), nodes)
    rates = (noise - data) * grade * places ** (grade - 1) * weights
    stops = data + (noise - data) * np.concatenate([[0.0], places, [1.0]]) ** grade
    times = torch.tensor(stops.tolist(), dtype=x.dtype, device=x.device)
    z, slope, gains = x, field(x, times[0]), x.new_zeros(len(x), len(v))
    for t, node, rate in zip(times[:-2], times[1:-1], rates.tolist(), strict=True):
        z, _ = rk4(field, z, t, node - t, slope)
        slope, products = (jvp or pullback(field))(z, node, v)
        gains += rate * (products * v).sum(2).T
    z, _ = rk4(field, z, times[-2], times[-1] - times[-2], slope)
    spread = None if directions is None or len(v) == 1 else gains.std(dim=1) * math.sqrt(len(v))
    return Density(log_base(z) + gains.sum(1), z, 4 * (nodes + 1), spread)
