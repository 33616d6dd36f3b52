"""EDM: diffusion with preconditioned networks, sampled by Heun's method.

See Karras et al. (2022).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Finite, Natural, NotNegative, Positive
from genbench.models.ddpm import KINDS, PRESETS
from genbench.nn.backbones import time_network
from genbench.nn.diffusion_model import Diffusion
from genbench.nn.noise_schedule import log_normal
from genbench.nn.ode import Watch
from genbench.nn.time_network import by_parts

__all__ = ["EDM"]


@register_model("edm", family="diffusion", likelihood="estimate", paper="Karras et al. 2022", kinds=KINDS, variant=True)
class EDM(Diffusion):
    """EDM: learn D(x; σ), the mean of the data given x = y + σ n, and follow an ODE.

    The ODE is dx/dσ = (x − D(x; σ)) / σ. D(x; σ) = c_skip x + c_out F(c_in x; c_noise) (eq. 7), where the coefficients
    give the input and the target of the network F unit variance (table 1, with σ_data = 1, because the engine
    standardises the data). The loss is λ(σ) ‖D − y‖² with λ = 1/c_out² and log-normal σ.

    In the angle φ = arctan σ, c_skip = cos² φ, c_out = sin φ, c_in = cos φ, and F is −v of `ddpm`: the two differ in
    the sampler, and in that σ is any number, not one of T. For c_noise = ¼ ln σ see `Diffusion.predict`.

    Args:
        hidden, depth, density_steps, probes, backbone: as for `ddpm`.
        sigma_min: smallest noise of samples before the last step to 0.
        sigma_max: noise at the start of samples.
        noise_mean, noise_std: P_mean and P_std, the mean and standard deviation of ln σ in training.
        rho: exponent of the sampler's grid; a larger one gives a finer grid near σ_min.
        steps: N, the number of steps of the sampler, with two evaluations each, except the last, which is an Euler
            step.
        churn: S_churn, the amount of new noise that the sampler adds (algorithm 2, with S_noise = 1 and at all σ); 0 is
            the deterministic algorithm 1.

    Raises:
        ValueError: `sigma_min` is not below `sigma_max`.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, step_ms=2.0)
    presets: ClassVar[tuple[Preset, ...]] = PRESETS

    def __init__(
        self,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(2, 6)] = 3,
        sigma_min: Positive = 0.002,
        sigma_max: Positive = 80.0,
        noise_mean: Finite = -1.2,
        noise_std: Annotated[Positive, Range(0.6, 2)] = 1.2,
        rho: Positive = 7.0,
        steps: Annotated[int, Ge(2)] = 32,
        churn: NotNegative = 0.0,
        density_steps: Natural = 20,
        probes: Count = 8,
        backbone: Literal["mlp", "unet"] | None = None,
    ) -> None:
        if sigma_min >= sigma_max:
            raise ValueError(f"sigma_min={sigma_min} must be below sigma_max={sigma_max}")
        self.hidden, self.depth, self.backbone = hidden, depth, backbone
        self.sigma_min, self.sigma_max = sigma_min, sigma_max
        self.noise_mean, self.noise_std = noise_mean, noise_std
        self.rho, self.steps, self.churn = rho, steps, churn
        self.density_steps, self.probes = density_steps, probes
        self.last_angle = math.atan(sigma_max)

    def build(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.network = time_network(shape, self.hidden, self.depth, backbone=self.backbone)

    def denoise(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return D(x; σ) (b, d) by equation 7, at points x (b, d) and noise levels (b, 1) or ()."""
        c_skip = 1 / (sigma**2 + 1)
        c_out = sigma / (sigma**2 + 1).sqrt()
        c_in = 1 / (sigma**2 + 1).sqrt()
        return c_skip * x + c_out * self.predict(c_in * x, sigma.atan())

    def training_loss(self, y: Tensor) -> Tensor:  # (b, *shape)
        y = y.flatten(1)
        sigma = log_normal(len(y), self.noise_mean, self.noise_std)  # (b, 1)
        weight = (sigma**2 + 1) / sigma**2  # λ(σ) = 1 / c_out²
        denoised = self.denoise(y + sigma * torch.randn_like(y), sigma)
        return (weight * (denoised - y).square()).mean()

    def field(self, x: Tensor, predicted: Tensor, angle: Tensor) -> Tensor:
        return -predicted

    def noise_levels(self) -> Tensor:
        """Return σ_0 = σ_max … σ_{N−1} = σ_min, σ_N = 0, (N + 1,) (eq. 5)."""
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        levels = (high + torch.linspace(0, 1, self.steps) * (low - high)) ** self.rho
        return torch.cat([levels, torch.zeros(1)])

    def sample(self, n: int) -> Tensor:
        return by_parts(self.draw, n, None, self.shape)

    def draw(self, n: int, labels: Tensor | None, watch: Watch | None = None) -> Tensor:
        """Draw from N(0, σ_max² + 1) (n, d) and follow the flow down (algorithm 2).

        σ_max² + 1 is the variance of noised data.
        """

        def show(sigma: Tensor) -> None:
            if watch:
                watch(sigma.atan(), x / (sigma**2 + 1).sqrt())

        levels = self.noise_levels()
        x = (levels[0] ** 2 + 1).sqrt() * torch.randn(n, self.d)
        show(levels[0])
        gamma = min(self.churn / self.steps, math.sqrt(2) - 1)
        self.nfe = 2 * self.steps - 1
        for sigma, lower in pairwise(levels):
            raised = sigma * (1 + gamma)
            if gamma:
                x = x + (raised**2 - sigma**2).sqrt() * torch.randn_like(x)
            x = self.heun(x, raised, lower)
            show(lower)
        return x

    def heun(self, x: Tensor, sigma: Tensor, lower: Tensor) -> Tensor:
        """Follow dx/dσ = (x − D(x; σ)) / σ from σ to a lower one by the trapezoid rule.

        The step to 0 is an Euler step.
        """
        slope = (x - self.denoise(x, sigma)) / sigma
        euler = x + (lower - sigma) * slope
        if lower == 0:
            return euler
        corrected = (euler - self.denoise(euler, lower)) / lower
        return x + (lower - sigma) * (slope + corrected) / 2
