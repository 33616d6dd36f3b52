"""Denoising diffusion: learn to undo the gradual destruction of data by Gaussian noise."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import torch
from torch import Tensor

from genbench.model import register_model
from genbench.nn.ode import graded, integrate, log_likelihood, rademacher
from genbench.nn.time_embedding import TimeMLP, stratified
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel

__all__ = ["DDPM", "NoiseSchedule"]

EXACT_UP_TO = 10  # coordinates: beyond, the trace of the Jacobian is estimated
SAMPLERS = ("ancestral", "ddim", "ode")
STRATA = 50


class NoiseSchedule:
    """How much of the data is left at step t: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, with ᾱ_0 = 1 and t = 1 … T.

    Args:
        name: "cosine" (Nichol & Dhariwal 2021, eq. 17) or "linear" (Ho et al. 2020, §4: β from 1e-4 to 0.02).
        timesteps: T.

    Attributes:
        alpha_bar: ᾱ_0 … ᾱ_T, (T + 1,) float64.
        beta: β_t = 1 − ᾱ_t / ᾱ_{t−1}, (T + 1,) float64, with β_0 = 0.
        angle: φ_t = arccos √ᾱ_t in [0, π/2], (T + 1,) float64: x_t = cos φ_t x_0 + sin φ_t ε.
    """

    def __init__(self, name: str, timesteps: int) -> None:
        t = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
        if name == "cosine":
            left = (math.pi / 2 * (t + 0.008) / 1.008).cos().square()
            beta = (1 - left[1:] / left[:-1]).clamp(max=0.999)
        else:
            beta = torch.linspace(1e-4, 0.02, timesteps, dtype=torch.float64)
        self.beta = torch.cat([torch.zeros(1, dtype=torch.float64), beta])
        self.alpha_bar = (1 - self.beta).cumprod(0)
        self.angle = torch.atan2((1 - self.alpha_bar).sqrt(), self.alpha_bar.sqrt())

    @property
    def terminal_kl(self) -> float:
        """E KL(q(x_T | x_0) ‖ N(0, I)) = −½ log(1 − ᾱ_T) in nats per dimension, for data of mean 0 and variance 1.

        An upper bound on KL(q(x_T) ‖ N(0, I)): how far sampling starts from where training ended.
        """
        return -0.5 * math.log1p(-float(self.alpha_bar[-1]))

    def posterior(self, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a, b, σ² of q(x_s | x_t, x_0) = N(a x_0 + b x_t, σ² I) for steps s < t (Ho et al. 2020, eq. 6–7)."""
        left_s, left_t = self.alpha_bar[s], self.alpha_bar[t]
        alpha = left_t / left_s
        a = left_s.sqrt() * (1 - alpha) / (1 - left_t)
        b = alpha.sqrt() * (1 - left_s) / (1 - left_t)
        return a, b, (1 - left_s) / (1 - left_t) * (1 - alpha)


@register_model("ddpm", family="diffusion", likelihood="estimate", paper="Ho et al. 2020; Song et al. 2021")
class DDPM(TorchModel):
    """Denoising diffusion: undo T small steps of Gaussian noise; its density is the probability-flow ODE's.

    With the angle φ of the schedule, x = cos φ x_0 + sin φ ε. The network predicts v = dx/dφ = cos φ ε − sin φ x_0
    (Salimans & Ho 2022), whose scale is that of the data at every noise level. Then x̂_0 = cos φ x − sin φ v̂ is the
    denoised point, and dx/dφ = v̂(x, φ) is the probability-flow ODE (Song et al. 2021b, eq. 13) for whatever schedule.

    Args:
        hidden: width of the hidden layers.
        depth: number of hidden layers.
        timesteps: T, steps of the noising process.
        schedule: "cosine" or "linear", see `NoiseSchedule`.
        sampler: "ancestral" (Ho et al. 2020, algorithm 2, with the posterior's variance, on every (T/steps)-th step),
            "ddim" (Song et al. 2021a, η = 0), or "ode" (the probability flow by the midpoint rule, two evaluations a
            step, for which 20 steps are plenty).
        steps: steps of the sampler, T at most.
        density_steps: Runge–Kutta steps (fourth order) of a log-density.
        probes: random directions of the trace estimate in more than 10 dimensions; up to 10 the trace is exact.

    Raises:
        ValueError: a number is out of range, or the schedule or sampler is unknown.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, step_ms=1.7)

    def __init__(
        self,
        hidden: int = 64,
        depth: int = 3,
        timesteps: int = 1000,
        schedule: str = "cosine",
        sampler: str = "ancestral",
        steps: int = 200,
        density_steps: int = 20,
        probes: int = 8,
    ) -> None:
        sizes = {"hidden": hidden, "depth": depth, "steps": steps, "density_steps": density_steps, "probes": probes}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if timesteps < 2:
            raise ValueError(f"timesteps={timesteps} must be at least 2")
        if schedule not in ("cosine", "linear"):
            raise ValueError(f"schedule={schedule} is unknown; choose cosine or linear")
        if sampler not in SAMPLERS:
            raise ValueError(f"sampler={sampler} is unknown; choose one of {', '.join(SAMPLERS)}")
        self.hidden, self.depth = hidden, depth
        self.timesteps, self.schedule = timesteps, schedule
        self.sampler, self.steps = sampler, steps
        self.density_steps, self.probes = density_steps, probes
        self.noising = NoiseSchedule(schedule, timesteps)
        if self.noising.terminal_kl > 1e-3:
            warnings.warn(
                f"schedule={schedule} with timesteps={timesteps} ends at ᾱ_T = {self.noising.alpha_bar[-1]:.2g}: x_T "
                f"is up to {self.noising.terminal_kl:.2g} nats per dimension away from the N(0, I) that sampling "
                "starts from; use schedule=cosine or more timesteps",
                stacklevel=2,
            )

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.network = TimeMLP(shape[0], self.hidden, self.depth)

    def velocity(self, x: Tensor, angle: Tensor) -> Tensor:
        """Return v̂ (b, d) at points x (b, d) and angles (b, 1) or ()."""
        return self.network(x, angle / (math.pi / 2))

    def training_loss(self, x0: Tensor) -> Tensor:  # (b, d)
        t = 1 + (self.timesteps * stratified(len(x0))).long().clamp(max=self.timesteps - 1)  # (b, 1)
        angle, noise = self.noising.angle[t].float(), torch.randn_like(x0)
        xt = angle.cos() * x0 + angle.sin() * noise
        v = angle.cos() * noise - angle.sin() * x0
        return (self.velocity(xt, angle) - v).square().mean()

    def denoise(self, xt: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        """Return the predicted data point x̂_0 and noise ε̂, (b, d) each."""
        v = self.velocity(xt, angle)
        return angle.cos() * xt - angle.sin() * v, angle.sin() * xt + angle.cos() * v

    def sample(self, n: int) -> Tensor:
        x = torch.randn(n, *self.shape)
        if self.sampler == "ode":
            x, self.nfe = integrate(self.velocity, x, graded(float(self.noising.angle[-1]), 0, self.steps), "midpoint")
            return x
        visited = torch.linspace(0, self.timesteps, self.steps + 1).round().long().unique().flip(0)  # T … 0
        self.nfe = len(visited) - 1
        for t, s in pairwise(visited):
            x0, noise = self.denoise(x, self.noising.angle[t].float())
            if self.sampler == "ddim":
                angle = self.noising.angle[s].float()
                x = angle.cos() * x0 + angle.sin() * noise
            else:
                a, b, variance = (c.float() for c in self.noising.posterior(s, t))
                x = a * x0 + b * x + variance.sqrt() * torch.randn_like(x)
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        directions = rademacher(x, self.probes) if x.shape[1] > EXACT_UP_TO else None
        angles = graded(float(self.noising.angle[-1]), 0, self.density_steps).flip(0)
        return log_likelihood(self.velocity, x, angles, "rk4", directions=directions).log_prob

    def diagnose(self, x: Tensor) -> dict[str, float]:
        """Return the mean variational bound on log p(x) in nats, in standardised units."""
        return {"elbo": float(self.elbo(x).mean())}

    def elbo(self, x0: Tensor) -> Tensor:
        """Return an unbiased estimate (b,) of the bound of Ho et al. 2020, eq. 5, for the T-step chain with σ_t² = β_t.

        −L_T − Σ_{t>1} KL(q(x_{t−1} | x_t, x_0) ‖ p(x_{t−1} | x_t)) + log p(x_0 | x_1), where each term but the first is
        −½(d c_t + w_t ‖x_0 − x̂_0‖²). Σ c_t and L_T = KL(q(x_T | x_0) ‖ N(0, I)) are exact. The sum over t of the rest
        takes one random t from each of about 50 strata of {1 … T}, finer where t is small, times the stratum's size.
        """
        T, d, beta = self.timesteps, x0.shape[1], self.noising.beta
        t = torch.arange(1, T + 1)
        a, _, variance = self.noising.posterior(t - 1, t)
        ratio = variance[1:] / beta[2:]  # of the true to the model's variance, for t > 1
        c = torch.cat([(2 * math.pi * beta[1:2]).log(), ratio - 1 - ratio.log()])
        weight = a.square() / beta[1:]
        left = self.noising.alpha_bar[-1]
        bound = -0.5 * (left * (x0.double().square() - 1) - (-left).log1p()).sum(1) - 0.5 * d * c.sum()  # (b,)
        edges = (T * torch.linspace(0, 1, STRATA + 1).square()).round().long().unique()
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            t = torch.randint(low + 1, high + 1, (len(x0), 1))
            angle = self.noising.angle[t].float()
            xt = angle.cos() * x0 + angle.sin() * torch.randn_like(x0)
            error = (x0 - self.denoise(xt, angle)[0]).square().sum(1)  # (b,)
            bound -= 0.5 * (high - low) * weight[t.squeeze(1) - 1] * error
        return bound
