"""Flow matching: learn the velocity of straight paths from noise to data, then follow it."""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.model import register_model
from genbench.nn.minibatch_ot import optimal_pairing
from genbench.nn.ode import SOLVERS, graded, integrate, log_likelihood, rademacher
from genbench.nn.time_embedding import TimeMLP, stratified
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel

__all__ = ["CFM", "OTCFM"]

EXACT_UP_TO = 10  # coordinates: beyond, the trace of the Jacobian is estimated, and so is the likelihood


@register_model("cfm", family="flow matching", likelihood="exact", paper="Lipman et al. 2023; Tong et al. 2024")
class CFM(TorchModel):
    """Conditional flow matching: regress the velocity of straight paths from noise to data.

    With x0 ~ N(0, I), x1 ~ data and xt = (1 − t) x0 + t x1, the minimiser of E ‖v(xt, t) − (x1 − x0)‖² over v is
    E[x1 − x0 | xt], whose flow carries the noise to the data (Lipman et al. 2023, eq. 9 with σ_min = 0; Tong et al.
    2024, §3.2.2).

    Args:
        hidden: width of the hidden layers.
        depth: number of hidden layers.
        steps: solver steps of a sample.
        solver: "euler", "midpoint", "rk4" or "dopri5" (adaptive, `steps` ignored), for samples.
        density_steps: Runge–Kutta steps (fourth order) of a log-density.
        probes: random directions of the trace estimate in more than 10 dimensions; up to 10 the trace is exact.

    Raises:
        ValueError: a number is not positive, or the solver is unknown.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, step_ms=1.5)

    def __init__(
        self,
        hidden: int = 64,
        depth: int = 3,
        steps: int = 20,
        solver: str = "midpoint",
        density_steps: int = 20,
        probes: int = 8,
    ) -> None:
        sizes = {"hidden": hidden, "depth": depth, "steps": steps, "density_steps": density_steps, "probes": probes}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if solver not in SOLVERS:
            raise ValueError(f"solver={solver} is unknown; choose one of {', '.join(SOLVERS)}")
        self.hidden, self.depth = hidden, depth
        self.steps, self.solver = steps, solver
        self.density_steps, self.probes = density_steps, probes

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.likelihood = "exact" if shape[0] <= EXACT_UP_TO else "estimate"
        self.velocity = TimeMLP(shape[0], self.hidden, self.depth)

    def noise_for(self, x1: Tensor) -> Tensor:
        """Return the noise (b, d) at the other end of each data point's path."""
        return torch.randn_like(x1)

    def training_loss(self, x1: Tensor) -> Tensor:  # (b, d)
        x0, t = self.noise_for(x1), stratified(len(x1))  # (b, d), (b, 1)
        xt = (1 - t) * x0 + t * x1
        return (self.velocity(xt, t) - (x1 - x0)).square().mean()

    def sample(self, n: int) -> Tensor:
        x0 = torch.randn(n, *self.shape)
        x1, self.nfe = integrate(self.velocity, x0, graded(0, 1, self.steps), self.solver)
        return x1

    def log_prob(self, x: Tensor) -> Tensor:
        directions = rademacher(x, self.probes) if x.shape[1] > EXACT_UP_TO else None
        times = graded(0, 1, self.density_steps).flip(0)
        return log_likelihood(self.velocity, x, times, "rk4", directions=directions).log_prob

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the path energy E ∫ ‖v(x(t), t)‖² dt of 2000 draws, in standardised units.

        No flow from the noise to the data has less than their W2² (Benamou & Brenier 2000).
        """

        def with_energy(state: Tensor, t: Tensor) -> Tensor:
            v = self.velocity(state[:, :-1], t)
            return torch.cat([v, v.square().sum(1, keepdim=True)], dim=1)  # (b, d + 1)

        start = torch.randn(2000, *self.shape)
        end = integrate(
            with_energy, torch.cat([start, torch.zeros(2000, 1)], dim=1), graded(0, 1, self.steps), self.solver
        )
        return {"path_energy": float(end.x[:, -1].mean())}


@register_model("ot_cfm", family="flow matching", likelihood="exact", paper="Tong et al. 2024; Pooladian et al. 2023")
class OTCFM(CFM):
    """Flow matching with minibatch optimal transport: noise and data are paired for short paths that seldom cross.

    Args:
        ot_batch: most points that are paired exactly among themselves; a batch is cut into equal blocks. On two moons,
            blocks of 32, 64 and 256 gave path energies of 0.356, 0.341 and 0.335; independent noise, 1.22.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, step_ms=2.5)

    def __init__(
        self,
        hidden: int = 64,
        depth: int = 3,
        steps: int = 20,
        solver: str = "midpoint",
        density_steps: int = 20,
        probes: int = 8,
        ot_batch: int = 48,
    ) -> None:
        super().__init__(hidden, depth, steps, solver, density_steps, probes)
        if ot_batch < 1:
            raise ValueError(f"ot_batch={ot_batch} must be at least 1")
        self.ot_batch = ot_batch

    def noise_for(self, x1: Tensor) -> Tensor:
        x0 = torch.randn_like(x1)
        return x0[optimal_pairing(x0, x1, self.ot_batch)]
