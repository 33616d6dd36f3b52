"""Faults of published tutorials, in flows of a few lines. Each fault is in one line."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genbench.contracts.recipe import Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.testing.controls.arrays import LOG_2PI, dense, sampler
from genbench.testing.controls.catalogue import control, twin

STEPS = 40  # of the solvers; by hand: samples and density of a flow in the plane agree


class _Network(TorchModel):
    """A network of a point and a time."""

    recipe = Recipe(lr=4e-3, batch_size=512, step_ms=1.5)

    def build(self, shape: tuple[int, ...]) -> None:
        self.d, h = shape[0], 96
        layers = [nn.Linear(self.d + 3, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU()]
        self.network = nn.Sequential(*layers, nn.Linear(h, self.d))

    def at(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the network's answer (b, d) at points (b, d) and times (b, 1) or ()."""
        t = t.expand(len(x), 1)
        return self.network(torch.cat([x, t, torch.sin(6 * t), torch.cos(6 * t)], dim=1))


@twin(dense)
class StraightFlow(_Network):
    """Flow matching on straight paths from noise to data: correct in all that is checked."""

    def training_loss(self, x: Tensor) -> Tensor:
        x0, t = torch.randn_like(x), torch.rand(len(x), 1)
        xt = (1 - t) * x0 + t * x
        return (self.at(xt, t) - (x - x0)).square().mean()

    def sample(self, n: int) -> Tensor:
        x, h = torch.randn(n, self.d), 1 / STEPS
        for k in range(STEPS):
            x = x + h * self.middle(x, torch.tensor((k + 0.5) / STEPS), h)
        return x

    def middle(self, x: Tensor, t: Tensor, h: float) -> Tensor:
        """Return the velocity half a step later than time t, by the midpoint rule."""
        return self.at(x + 0.5 * h * self.at(x, t - 0.5 * h), t)

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x) = log N(x_0) − ∫ div v dt, along the path from x back to the noise."""
        gain, h = torch.zeros(len(x)), 1 / STEPS
        for k in reversed(range(STEPS)):
            t = torch.tensor((k + 0.5) / STEPS)
            half = x - 0.5 * h * self.at(x, t + 0.5 * h)
            velocity, divergence = self.with_divergence(half, t)
            x, gain = x - h * velocity, self.accumulated(gain, -h * divergence)
        return (-0.5 * x.square() - 0.5 * LOG_2PI).sum(dim=1) + gain

    def accumulated(self, gain: Tensor, more: Tensor) -> Tensor:
        """Return the change of log p up to now, plus that of one more step."""
        return gain + more

    def with_divergence(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return the velocity (b, d) and its divergence (b,)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            v = self.at(x, t)
            slopes = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(self.d)]
        return v.detach(), torch.stack(slopes).sum(dim=0)


@control(dense, "learns_a_gaussian", "of the samples is off", fast=False)
class NetworkAtNoise(StraightFlow):
    """Evaluates the network at the noise x₀, not at x_t, so it learns the mean of the data."""

    def training_loss(self, x: Tensor) -> Tensor:
        x0, t = torch.randn_like(x), torch.rand(len(x), 1)
        return (self.at(x0, t) - (x - x0)).square().mean()


@control(dense, "integrates_to_one", "integrates to")
class OverwrittenDivergence(StraightFlow):
    """The divergence of the last step replaces the sum over all steps."""

    def accumulated(self, gain: Tensor, more: Tensor) -> Tensor:
        return more


@control(sampler, "learns_a_gaussian", "covariance of the samples is off", fast=False)
class ForgetfulIntegrator(StraightFlow):
    """Each step of the solver starts at the noise again."""

    def sample(self, n: int) -> Tensor:
        x, h = torch.randn(n, self.d), 1 / STEPS
        moved = x
        for k in range(STEPS):
            moved = x + h * self.middle(x, torch.tensor((k + 0.5) / STEPS), h)
        return moved


@twin(sampler)
class CosineDiffusion(_Network):
    """Noise prediction with the deterministic sampler of Song et al. (2021, eq. 12).

    It is correct in all that is checked.
    """

    timesteps = 100

    def alpha_bar(self) -> Tensor:
        """Return ᾱ_t (T,) of Nichol & Dhariwal (2021, eq. 17), which ends near 0."""
        t = torch.arange(1, self.timesteps + 1) / self.timesteps
        return torch.cos((t + 0.008) / 1.008 * torch.pi / 2).square().clamp(1e-4, 0.9999)

    def training_loss(self, x: Tensor) -> Tensor:
        k = torch.randint(self.timesteps, (len(x), 1))
        signal, noise = self.alpha_bar()[k], torch.randn_like(x)
        xt = signal.sqrt() * x + (1 - signal).sqrt() * noise
        return (self.at(xt, (k + 1) / self.timesteps) - noise).square().mean()

    def sample(self, n: int) -> Tensor:
        signals, x = self.alpha_bar(), torch.randn(n, self.d)  # from N(0, I), as if nothing of the data were left in it
        for k in reversed(range(self.timesteps)):
            signal, before = signals[k], signals[k - 1] if k else torch.ones(())
            noise = self.at(x, torch.tensor((k + 1) / self.timesteps))
            clean = (x - (1 - signal).sqrt() * noise) / signal.sqrt()
            x = before.sqrt() * clean + (1 - before).sqrt() * noise
        return x


@control(sampler, "learns_a_gaussian", "covariance of the samples is off", fast=False)
class NoiseWithSignal(CosineDiffusion):
    """ᾱ_T is 0.36, so x_T still has the data's correlations, but sampling starts at N(0, I)."""

    def alpha_bar(self) -> Tensor:
        return (1 - torch.linspace(1e-4, 0.02, self.timesteps)).cumprod(dim=0)
