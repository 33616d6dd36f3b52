"""Continuous normalizing flow: a velocity field that is trained by maximum likelihood."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, NotNegative
from genbench.nn.ode import (
    EXACT_UP_TO,
    Track,
    Watch,
    basis,
    integrate,
    log_likelihood,
    rademacher,
    rk4,
    standard_normal,
    with_divergence,
)
from genbench.nn.time_embedding import TimeMLP

__all__ = ["CNF"]


@register_model(
    "cnf",
    family="normalizing flow",
    likelihood="exact",
    paper="Chen et al. 2018; Grathwohl et al. 2019; Pal et al. 2021",
    variant=True,
)
class CNF(TorchModel):
    """Continuous normalizing flow (FFJORD): maximise the likelihood under the flow of an ODE.

    log p(x) = log N(z; 0, I) + ∫ tr ∂v/∂x dt along the path from the data to the noise (Chen et al. 2018, eq. 8). The
    gradient goes through the solver's steps; the divergence is exact up to 10 dimensions, and estimated with one random
    direction for each batch otherwise (Grathwohl et al. 2019). Each training step has its own grid, and the time is a
    single input of the network, so that the field cannot behave differently between the times of the solver. The loss
    includes the solver's errors (Pal et al. 2021), so that few steps suffice later.

    Args:
        hidden, depth: width and number of the hidden layers.
        training_steps: number of Runge–Kutta steps (fourth order) at the end of training; it starts with half of them.
        error_weight: weight of Σ ‖e‖² in the loss, where e are the estimated errors of the solver's steps, in the point
            and in its log-density (nats).
        steps, density_steps: number of Runge–Kutta steps for a sample and for a log-density.
        probes: number of random directions for the trace of a log-density in more than 10 dimensions.
    """

    # Bases are renewed often, as the other work of a step costs more. Measured on a checkerboard, by hand.
    soap: ClassVar[dict[str, Any]] = {"optimiser": "soap", "beta1": 0.95, "beta2": 0.95, "precondition_frequency": 2}
    recipe = Recipe(batch_size=256, lr=2e-2, ema=0.98, step_ms=32.0, **soap)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset({"step_ms": 65.0}, dims=(4, EXACT_UP_TO)),  # one pass a coordinate
        Preset({"step_ms": 55.0}, dims=(33, None)),
    )

    def __init__(
        self,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(2, 5)] = 3,
        training_steps: Count = 4,
        error_weight: Annotated[NotNegative, Range(0, 10)] = 3.0,
        steps: Count = 20,
        density_steps: Count = 20,
        probes: Count = 8,
    ) -> None:
        self.hidden, self.depth = hidden, depth
        self.training_steps, self.error_weight = training_steps, error_weight
        self.steps, self.density_steps, self.probes = steps, density_steps, probes

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = self.shape = shape
        self.likelihood = "exact" if d <= EXACT_UP_TO else "estimate"
        self.velocity = TimeMLP(d, self.hidden, self.depth, time_features=0)
        for p in self.velocity.net[-1].parameters():
            torch.nn.init.zeros_(p)  # a flow starts as the identity

    def training_loss(self, x: Tensor) -> Tensor:  # (b, d)
        d = x.shape[1]
        v = rademacher(x, 1) if d > EXACT_UP_TO else basis(x)
        field, state = with_divergence(self.velocity.jvp, v), torch.cat([x, x.new_zeros(len(x), len(v))], dim=1)
        charge = x.new_zeros(())
        times = self._random_grid() if self.training else torch.linspace(1, 0, 2 * self.training_steps + 1)
        for t, h in zip(times[:-1], times.diff(), strict=True):
            state, error = rk4(field, state, t, h)
            charge = charge + error[:, :d].square().sum(1).mean() + error[:, d:].sum(1).square().mean()
        log_p = standard_normal(state[:, :d]) + state[:, d:].sum(1)
        return -log_p.mean() + (self.error_weight * charge if self.training else 0.0)

    def sample(self, n: int) -> Tensor:
        return self._flow(n)

    def _flow(self, n: int, watch: Watch | None = None) -> Tensor:
        z, times = torch.randn(n, *self.shape), torch.linspace(0, 1, self.steps + 1)
        x, self.nfe = integrate(self.velocity, z, times, "rk4", watch=watch)
        return x

    def trajectory(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the times (k,) of the solver's grid, and the paths of samples (k, n, d)."""
        track = Track()
        self._flow(n, track)
        return track.stacked()

    def velocity_at(self, x: Tensor, t: Tensor) -> Tensor:
        """Return dx/dt (b, d) at points (b, d) and a time () from 0 (noise) to 1 (data)."""
        v: Tensor = self.velocity(x, t)
        return v

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the noise (b, d) to which the flow leads from points (b, d)."""
        return integrate(self.velocity, x, self._grid(), "rk4").x

    def from_latent(self, z: Tensor) -> Tensor:
        return integrate(self.velocity, z, self._grid().flip(0), "rk4").x

    def log_prob(self, x: Tensor) -> Tensor:
        directions = rademacher(x, self.probes) if x.shape[1] > EXACT_UP_TO else None
        times = self._grid()
        return log_likelihood(self.velocity, x, times, "rk4", directions=directions, jvp=self.velocity.jvp).log_prob

    def _grid(self) -> Tensor:
        """Return the times (density_steps + 1,) of a log-density."""
        return torch.linspace(1, 0, self.density_steps + 1)

    def _random_grid(self) -> Tensor:
        """Return times from 1 to 0 for a batch, of which the inner ones are moved by up to half a step."""
        n = math.ceil(self.training_steps * (1 + self.progress) / 2)
        inner = (torch.arange(1, n) + torch.rand(n - 1) - 0.5) / n
        return torch.cat([torch.ones(1), 1 - inner, torch.zeros(1)])
