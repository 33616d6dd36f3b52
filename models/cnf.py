"""Continuous normalizing flow: the velocity field of flow matching, trained by maximum likelihood instead."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.model import register_model
from genbench.nn.ode import EXACT_UP_TO, Track, Watch, integrate, log_likelihood, rademacher
from genbench.nn.time_embedding import TimeMLP
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel

__all__ = ["CNF"]


@register_model(
    "cnf",
    family="normalizing flow",
    likelihood="exact",
    paper="Chen et al. 2018; Grathwohl et al. 2019; Finlay et al. 2020",
    variant=True,
)
class CNF(TorchModel):
    """Continuous normalizing flow (FFJORD): maximise the likelihood of the data under the flow of an ODE.

    log p(x) = log N(z; 0, I) + ∫ tr ∂v/∂x dt along the path from the data to the noise (Chen et al. 2018, eq. 8). The
    gradient goes through the solver's steps; the divergence is exact up to 10 dimensions and by one random direction a
    batch beyond (Grathwohl et al. 2019). Each training step takes a grid of its own, and the network sees the time as
    one bare number, so that the field cannot hide between the solver's times what it gains at them. A little is
    charged for kinetic energy and for the Jacobian's Frobenius norm: straight, even flows need few steps (Finlay et
    al. 2020, eq. 12).

    Args:
        hidden: width of the hidden layers.
        depth: number of hidden layers.
        training_steps: Runge–Kutta steps (fourth order) at the end of a training, which begins with half of them.
        smoothness: weight of E ∫ ‖v‖² + ‖∂v/∂x‖² dt. Two moons, 200,000 points, 45 s: 1e-4 and four steps left 0.022
            nats, 1.5e-3 left 0.016; 1e-4 and six steps, at a rate of 5e-3, left 0.055.
        steps: Runge–Kutta steps of a sample.
        density_steps: Runge–Kutta steps of a log-density.
        probes: random directions of the trace estimate of a log-density in more than 10 dimensions.

    Raises:
        ValueError: a number is out of range.
    """

    recipe = Recipe(batch_size=256, lr=3e-3, optimiser="soap", beta1=0.95, beta2=0.95, ema=0.0, step_ms=40.0)

    def __init__(
        self,
        hidden: int = 64,
        depth: int = 3,
        training_steps: int = 4,
        smoothness: float = 1.5e-3,
        steps: int = 20,
        density_steps: int = 20,
        probes: int = 8,
    ) -> None:
        sizes = {"hidden": hidden, "depth": depth, "training_steps": training_steps, "steps": steps}
        for name, value in (sizes | {"density_steps": density_steps, "probes": probes}).items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if smoothness < 0:
            raise ValueError(f"smoothness={smoothness} must not be negative")
        self.hidden, self.depth = hidden, depth
        self.training_steps, self.smoothness = training_steps, smoothness
        self.steps, self.density_steps, self.probes = steps, density_steps, probes

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = self.shape = shape
        self.likelihood = "exact" if d <= EXACT_UP_TO else "estimate"
        self.velocity = TimeMLP(d, self.hidden, self.depth, time_features=0)
        for p in self.velocity.net[-1].parameters():
            torch.nn.init.zeros_(p)  # a flow starts as the identity

    def training_loss(self, x: Tensor) -> Tensor:  # (b, d)
        d = x.shape[1]
        charges: list[Tensor] = []

        def jvp(x: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            value, slope = self.velocity.jvp(x, t, v)
            charges.append((value.square().sum() + slope.square().sum()) / len(x))  # ‖v‖² + ‖J‖²
            return value, slope

        directions = rademacher(x, 1) if d > EXACT_UP_TO else None
        times = self._random_grid() if self.training else self._grid()
        log_p = log_likelihood(self.velocity, x, times, "rk4", directions=directions, jvp=jvp).log_prob
        return -log_p.mean() + self.smoothness * torch.stack(charges).mean()

    def sample(self, n: int) -> Tensor:
        return self._flow(n)

    def _flow(self, n: int, watch: Watch | None = None) -> Tensor:
        z, times = torch.randn(n, *self.shape), torch.linspace(0, 1, self.steps + 1)
        x, self.nfe = integrate(self.velocity, z, times, "rk4", watch=watch)
        return x

    def trajectory(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the times (k,) of the solver's grid, and the samples' way (k, n, d)."""
        track = Track()
        self._flow(n, track)
        return track.stacked()

    def velocity_at(self, x: Tensor, t: Tensor) -> Tensor:
        """Return dx/dt (b, d) at points (b, d) and a time () from 0 (noise) to 1 (data)."""
        v: Tensor = self.velocity(x, t)
        return v

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the noise (b, d) that the flow carries points (b, d) to."""
        return integrate(self.velocity, x, self._grid(), "rk4").x

    def from_latent(self, z: Tensor) -> Tensor:
        return integrate(self.velocity, z, self._grid().flip(0), "rk4").x

    def log_prob(self, x: Tensor) -> Tensor:
        directions = rademacher(x, self.probes) if x.shape[1] > EXACT_UP_TO else None
        times = self._grid()
        return log_likelihood(self.velocity, x, times, "rk4", directions=directions, jvp=self.velocity.jvp).log_prob

    def _grid(self) -> Tensor:
        """Return the times (density_steps + 1,) of a log-density; held-out points are judged by it in training, too."""
        return torch.linspace(1, 0, self.density_steps + 1)

    def _random_grid(self) -> Tensor:
        """Return times from 1 to 0 for a batch, of which the inner ones are moved by up to half a step."""
        n = math.ceil(self.training_steps * (1 + self.progress) / 2)
        inner = (torch.arange(1, n) + torch.rand(n - 1) - 0.5) / n
        return torch.cat([torch.ones(1), 1 - inner, torch.zeros(1)])
