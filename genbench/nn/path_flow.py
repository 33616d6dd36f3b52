"""The common part of flows with a known velocity: densities, codes, energies, noise.

They go from a source to the data.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.contracts.torch_model import TorchModel
from genbench.nn.minibatch_ot import optimal_pairing
from genbench.nn.ode import EXACT_UP_TO, Density, integrate, likelihood_by_nodes, rademacher
from genbench.nn.paths import Path
from genbench.nn.repaint import Level
from genbench.nn.source_distribution import Source
from genbench.nn.time_network import TimeNetwork, cached_part, largest_part

__all__ = ["PathFlow"]

ENERGY_POINTS = 1000  # by hand, behind `diagnose`; W2² of this number of points is found exactly in half a second


class PathFlow(TorchModel):
    """A flow with the velocity of paths from a source (t = 0) to the data (t = 1).

    A subclass learns the velocity. All methods treat an image as a vector (d,).

    Attributes:
        way: the path.
        start: the source; `source` is its name.
        pairs: the coupling of the ends of paths.
        steps: number of solver steps for samples.
        density_steps: number of nodes for the integral of a density; 0 means no densities.
        probes: number of random directions for an estimated trace.
    """

    shape: tuple[int, ...]
    d: int
    network: TimeNetwork
    way: Path
    start: Source
    source: str
    pairs: str
    steps: int
    density_steps: int
    probes: int
    conditional: bool

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """Return v(x, t) (b, d) at points (b, d) and times (b, 1) or ()."""
        raise NotImplementedError

    def velocity_jvp(self, x: Tensor, t: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return v(x, t) (b, d) and its derivatives (k, b, d) along directions.

        The directions are (k, b, d) or (k, 1, d).
        """
        raise NotImplementedError

    def couple(self, x0: Tensor, x1: Tensor) -> Tensor:
        """Return the points of x0 (b, d) in the order in which they are paired with x1 (b, d)."""
        raise NotImplementedError

    def log_prob(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        if not self.density_steps or (self.conditional and labels is None):
            raise NotImplementedError(f"density_steps={self.density_steps}, conditional={self.conditional}")
        size = cached_part(len(x), self.shape)
        pieces = x.split(size)
        known = [None] * len(pieces) if labels is None else labels.split(size)
        return torch.cat([self.density(*both).log_prob for both in zip(pieces, known, strict=True)])

    def density(self, x: Tensor, labels: Tensor | None = None) -> Density:
        """Return log p(x) (b,) in nats, and the source points (b, d).

        If the trace is random, its standard error (b,) is returned too.
        """
        x = x.flatten(1)
        directions = rademacher(x, self.probes) if self.d > EXACT_UP_TO else None
        jvp = self.velocity_jvp if hasattr(self.network, "jvp") else None
        with self.network.given(labels):
            return likelihood_by_nodes(
                self.velocity, x, 1.0, 0.0, self.density_steps, self.way.pace, directions, jvp, self.start.log_prob
            )

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the path energy E ∫ ‖v(x(t), t)‖² dt, and its excess over the smallest one.

        Both are in standardised units. The path energy of a flow from the source to the data is at least their W2²
        (Benamou & Brenier 2000). The normalised path energy is |path energy − W2²| / W2² (Tong et al. 2024, eq. 25),
        with W2² between 1000 points of each. In more than 10 dimensions, the result also has the mean standard error of
        a point's log-density, from the spread of its random directions.
        """

        def with_energy(state: Tensor, t: Tensor) -> Tensor:
            v = self.velocity(state[:, :-1], t)
            return torch.cat([v, v.square().sum(1, keepdim=True)], dim=1)  # (b, d + 1)

        x = x[: largest_part(ENERGY_POINTS, self.shape)].flatten(1)
        begin = self.start.sample(len(x))
        end = integrate(with_energy, torch.cat([begin, torch.zeros(len(x), 1)], dim=1), self.grid(self.steps)).x
        energy = float(end[:, -1].mean())
        least = float((begin[optimal_pairing(begin, x, len(x))] - x).square().sum(1).mean())
        numbers = {"path_energy": energy, "normalised_path_energy": abs(energy - least) / least if least else 0.0}
        measured = self.density_steps and not self.conditional
        if measured and (error := self.density(x[:100]).standard_error) is not None:
            numbers["log_prob_standard_error"] = float(error.mean())
        return numbers

    @property
    def repaintable(self) -> bool:
        """Whether x_t is a mixture of data and independent noise, as RePaint needs it."""
        return self.source == "noise" and self.pairs == "independent" and self.way.mixes

    def noise_grid(self, steps: int) -> list[Level]:
        """Return the levels x_t = α x1 + β x0 from noise to data, in equal steps of the clock."""
        times = self.grid(steps)
        alpha, beta, *_ = self.way.coefficients(times)  # type: ignore[attr-defined]
        alpha[-1], beta[-1] = 1.0, 0.0
        return [Level(*level) for level in zip(times, alpha, beta, strict=True)]

    def ends(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return E[x1 | x_t] and E[x0 | x_t], (b, d) each."""
        return self.way.ends(x, self.velocity(x, t), t)  # type: ignore[attr-defined]

    def velocity_at(self, x: Tensor, t: Tensor) -> Tensor:
        """Return dx/dt (b, *shape) of the flow at points (b, *shape) and a time ()."""
        return self.velocity(x.flatten(1), t).unflatten(1, self.shape)

    def noised(self, x: Tensor, t: Tensor) -> Tensor:
        """Return x_t (b, *shape) of paths from the source to points x (b, *shape).

        The ends are coupled as in training.
        """
        x1 = x.flatten(1)
        return self.way.draw(self.source_of(x1), x1, t.expand(len(x1), 1))[0].unflatten(1, self.shape)

    def source_of(self, x1: Tensor) -> Tensor:
        """Return a source point (b, d) for each data point x1 (b, d), drawn as in training."""
        return self.couple(self.start.sample(len(x1)), x1)

    def noise_level(self, t: Tensor) -> tuple[float, float] | None:
        """Return α and β of x_t = α x1 + β x0, or None.

        It is None if the source is not noise, or if the path adds more noise.
        """
        if self.source != "noise" or not self.way.mixes:
            return None
        alpha, beta, *_ = self.way.coefficients(t)  # type: ignore[attr-defined]
        return float(alpha), float(beta)

    def to_latent(self, x: Tensor) -> Tensor:
        """Return the source points (b, d) to which the reversed flow leads from x (b, *shape)."""
        times = self.grid(max(self.steps, self.density_steps)).flip(0)
        return integrate(self.velocity, x.flatten(1), times, "rk4").x

    def from_latent(self, z: Tensor) -> Tensor:
        """Return the points (b, *shape) to which the flow leads from source points (b, d)."""
        times = self.grid(max(self.steps, self.density_steps))
        return integrate(self.velocity, z, times, "rk4").x.unflatten(1, self.shape)

    def grid(self, steps: int) -> Tensor:
        """Return times (steps + 1,) from the source to the data, in equal steps of the clock."""
        return self.way.time(torch.linspace(0, 1, steps + 1))
