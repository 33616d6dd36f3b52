"""The common part of Gaussian diffusions: the probability flow, densities and codes.

The time is the angle of the noise.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from genbench.contracts.torch_model import TorchModel
from genbench.nn.ode import EXACT_UP_TO, Density, Watch, graded, integrate, likelihood_by_nodes, rademacher
from genbench.nn.repaint import Level
from genbench.nn.time_network import cached_part, tracks_by_parts

__all__ = ["Diffusion"]

LEAST_ANGLE = 0.003  # by hand, from pure data and from pure noise: its logarithm stays finite
# By hand, noise of 2 % of a standard deviation: an error of the network is divided by it, and thin supports blur.
SCORE_ANGLE = 0.02
FLOW_STEPS = 20  # of the probability flow between points and codes: the default density_steps of its models


class Diffusion(TorchModel):
    """The probability flow of a Gaussian diffusion, in the angle φ of the noise.

    It does not depend on the schedule. With x = cos φ x_0 + sin φ ε, φ rising from 0 (data) towards π/2 (noise), the
    flow is dx/dφ = v(x, φ) = E[cos φ ε − sin φ x_0 | x] (Song et al. 2021b, eq. 13, in the time φ; Salimans & Ho 2022,
    appendix D). A subclass defines the model's v̂ in `field`, and in `last_angle` the φ from which on x is treated as
    N(0, I). All methods treat an image as a vector (d,); only the network uses its shape.
    """

    repaintable = True
    shape: tuple[int, ...]
    network: Any  # a TimeNetwork; with `jvp` the divergence takes one pass in forward mode
    last_angle: float
    density_steps: int
    probes: int
    nfe: int

    def velocity(self, x: Tensor, angle: Tensor) -> Tensor:
        """Return v̂ (b, d) at points x (b, d) and angles (b, 1) or ()."""
        return self.field(x, self.predict(x, angle), angle)

    def field(self, x: Tensor, predicted: Tensor, angle: Tensor) -> Tensor:
        """Return v̂ (b, d) at points (b, d) from the network's output there; linear in both."""
        raise NotImplementedError

    def velocity_jvp(self, x: Tensor, angle: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return v̂ (b, d) at points (b, d) and its derivatives (k, b, d) along directions.

        The directions are (k, b, d) or (k, 1, d).
        """
        value, slope = self.network.jvp(x, self.told(angle), directions)
        return self.field(x, value, angle), self.field(directions, slope, angle)

    @property
    def d(self) -> int:
        """The number of coordinates."""
        return math.prod(self.shape)

    def predict(self, x: Tensor, angle: Tensor) -> Tensor:
        """Return the output of the network (b, d) at points x (b, d) and angles (b, 1) or ()."""
        value: Tensor = self.network(x, self.told(angle))
        return value

    def told(self, angle: Tensor) -> Tensor:
        """Return the network's input for angles (b, 1) or (): the logarithm of σ = tan φ.

        It is scaled to (c_noise + 1.2) / 2, mostly in [0, 1], with c_noise = ¼ ln σ (Karras et al. 2022, table 1). This
        spreads out the few degrees in which thin structures appear.
        """
        sigma = angle.clamp(LEAST_ANGLE, math.pi / 2 - LEAST_ANGLE).tan()
        return (sigma.log() / 4 + 1.2) / 2

    def draw(self, n: int, labels: Tensor | None, watch: Watch | None = None) -> Tensor:
        """Return n samples (n, d).

        `watch` is called with the angles on the way, and the points in unit variance.
        """
        raise NotImplementedError

    def trajectory(self, n: int, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the times 1 − φ/φ_last (k,) of the sampler's steps, and points (k, n, *shape)."""
        angles, points = tracks_by_parts(self.draw, n, labels, self.shape)
        return 1 - angles / self.last_angle, points

    def velocity_at(self, x: Tensor, t: Tensor) -> Tensor:
        """Return dx/dt = −φ_last v̂ (b, *shape) of the flow at points (b, *shape) and a time ()."""
        return -self.last_angle * self.velocity(x.flatten(1), self._angle(t)).unflatten(1, self.shape)

    def score_at(self, x: Tensor) -> Tensor:
        """Return ∇ log p(x) (b, *shape) at points (b, *shape), for data with a little noise.

        At the angle φ it is −E[ε | x] / sin φ (Song et al. 2021b, §3; Vincent 2011), where E[ε | x] = sin φ x + cos φ
        v̂.
        """
        angle = torch.tensor(SCORE_ANGLE)
        noised = angle.cos() * x.flatten(1)
        noise = angle.sin() * noised + angle.cos() * self.velocity(noised, angle)
        return (-angle.cos() / angle.sin() * noise).unflatten(1, self.shape)

    def noised(self, x: Tensor, t: Tensor) -> Tensor:
        """Return cos φ x + sin φ ε (b, *shape) for data x (b, *shape) at the angle of a time ()."""
        angle = self._angle(t)
        return angle.cos() * x + angle.sin() * torch.randn_like(x)

    def noise_level(self, t: Tensor) -> tuple[float, float]:
        """Return cos φ = √ᾱ and sin φ at the angle of a time ()."""
        angle = self._angle(t)
        return float(angle.cos()), float(angle.sin())

    def _angle(self, t: Tensor) -> Tensor:
        """Return the angle of a time from 0 (noise) to 1 (data)."""
        return self.last_angle * (1 - t)

    def flow(self, noise: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
        """Return the points (b, d) at the end of the flow from noise (b, d).

        The midpoint rule takes two evaluations for each step.
        """
        x, self.nfe = integrate(self.velocity, noise, graded(self.last_angle, 0, steps), "midpoint", watch=watch)
        return x

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the noise (b, d) at the end of the probability flow from points (b, *shape)."""
        angles = graded(self.last_angle, 0, self.density_steps or FLOW_STEPS).flip(0)
        return integrate(self.velocity, x.flatten(1), angles, "rk4").x

    def from_latent(self, z: Tensor) -> Tensor:
        """Return the points (b, *shape) at the end of the probability flow from noise (b, d)."""
        angles = graded(self.last_angle, 0, self.density_steps or FLOW_STEPS)
        return integrate(self.velocity, z, angles, "rk4").x.unflatten(1, self.shape)

    def noise_grid(self, steps: int) -> list[Level]:
        """Return the levels x = cos φ x_0 + sin φ ε from noise to data, finer towards the data."""
        angles = graded(self.last_angle, 0, steps)
        return [Level(*level) for level in zip(angles, angles.cos(), angles.sin(), strict=True)]

    def ends(self, x: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Return E[x_0 | x] and E[ε | x], (b, d) each.

        With E[cos φ ε − sin φ x_0 | x], they solve two linear equations.
        """
        v = self.velocity(x, angle)
        return angle.cos() * x - angle.sin() * v, angle.sin() * x + angle.cos() * v

    def density(self, x: Tensor) -> Density:
        """Return log p(x) of points (b, d) by the flow.

        If its trace is random, its standard error is returned too.
        """
        x = x.flatten(1)
        directions = rademacher(x, self.probes) if x.shape[1] > EXACT_UP_TO else None
        jvp = self.velocity_jvp if hasattr(self.network, "jvp") else None
        return likelihood_by_nodes(
            self.velocity, x, 0.0, self.last_angle, self.density_steps, directions=directions, jvp=jvp
        )

    def log_prob(self, x: Tensor) -> Tensor:
        if not self.density_steps or self.conditional:
            raise NotImplementedError(f"density_steps={self.density_steps}, conditional={self.conditional}")
        return torch.cat([self.density(part).log_prob for part in x.split(cached_part(len(x), self.shape))])

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the mean standard error in nats of a point's log-density, if it is not exact."""
        if not self.density_steps or self.conditional:
            return {}
        error = self.density(x[:100]).standard_error
        return {} if error is None else {"log_prob_standard_error": float(error.mean())}
