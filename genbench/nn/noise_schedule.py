"""Noise schedules of diffusion: the share of the data left after each of T steps.

Also the noise levels to train on.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.nn.float64 import widest
from genbench.nn.time_embedding import stratified_normal

__all__ = ["SCHEDULES", "NoiseSchedule", "log_normal"]


def log_normal(n: int, mean: float = -1.2, std: float = 1.2) -> Tensor:
    """Return noise levels σ (n, 1) with ln σ ~ N(mean, std²), stratified.

    See Karras et al. (2022, table 1).
    """
    return (mean + std * stratified_normal(n)).exp()


def _linear(timesteps: int) -> Tensor:
    """Ho et al. 2020, §4: β rises from 1e-4 to 0.02, however many steps there are."""
    return torch.linspace(1e-4, 0.02, timesteps, dtype=torch.float64)


def _cosine(timesteps: int) -> Tensor:
    """Nichol & Dhariwal 2021, eq. 17: ᾱ = f(t)/f(0) with f(t) = cos²(π/2 · (t/T + s)/(1 + s)), s = 0.008."""
    return _beta((math.pi / 2 * (_time(timesteps) + 0.008) / 1.008).cos().square())


def _sigmoid(timesteps: int) -> Tensor:
    """Jabri et al. 2022, algorithm 1, start −3, end 3, τ = 1: ᾱ falls as a logistic curve, scaled to go from 1 to 0."""
    curve = (6 * _time(timesteps) - 3).sigmoid()
    return _beta((curve[-1] - curve) / (curve[-1] - curve[0]))


def _time(timesteps: int) -> Tensor:
    return torch.arange(timesteps + 1, dtype=torch.float64) / timesteps


def _beta(alpha_bar: Tensor) -> Tensor:
    """Return β_1 … β_T of ᾱ_0 … ᾱ_T, at most 0.999 each, so that the last step has a reverse."""
    return (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=0.999)


_BETAS = {"linear": _linear, "cosine": _cosine, "sigmoid": _sigmoid}
SCHEDULES = tuple(_BETAS)


class NoiseSchedule:
    """The schedule of x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, with ᾱ_0 = 1 and t = 1 … T.

    Args:
        name: "linear" (Ho et al. 2020), "cosine" (Nichol & Dhariwal 2021) or "sigmoid" (Jabri et al. 2022).
        timesteps: T, at least 2.

    Attributes:
        alpha_bar: ᾱ_0 … ᾱ_T, (T + 1,). All three are in float64, or in the widest type of the device.
        beta: β_t = 1 − ᾱ_t / ᾱ_{t−1}, (T + 1,), with β_0 = 0.
        angle: φ_t = arccos √ᾱ_t in [0, π/2], (T + 1,): x_t = cos φ_t x_0 + sin φ_t ε.
    """

    def __init__(self, name: str, timesteps: int) -> None:
        device = torch.get_default_device()
        with torch.device("cpu"):  # in float64, whatever the device has
            beta = torch.cat([torch.zeros(1, dtype=torch.float64), _BETAS[name](timesteps)])
        alpha_bar = (1 - beta).cumprod(0)
        angle = torch.atan2((1 - alpha_bar).sqrt(), alpha_bar.sqrt())
        self.beta, self.alpha_bar, self.angle = (
            values.to(widest(device)).to(device) for values in (beta, alpha_bar, angle)
        )

    @property
    def terminal_kl(self) -> float:
        """E KL(q(x_T | x_0) ‖ N(0, I)) = −½ log(1 − ᾱ_T) in nats per dimension.

        It is for data of mean 0 and variance 1. It is an upper bound of KL(q(x_T) ‖ N(0, I)), the distance between the
        start of sampling and the end of the noising.
        """
        return -0.5 * math.log1p(-float(self.alpha_bar[-1]))

    def nearest(self, angle: Tensor) -> Tensor:
        """Return the steps t in 1 … T whose angles are nearest to the given ones, in their shape."""
        return 1 + torch.searchsorted((self.angle[1:-1] + self.angle[2:]) / 2, angle.to(self.angle))

    def posterior(self, s: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a, b, σ² of q(x_s | x_t, x_0) = N(a x_0 + b x_t, σ² I) for steps s < t.

        See Ho et al. (2020, eq. 6–7).
        """
        left_s, left_t = self.alpha_bar[s], self.alpha_bar[t]
        alpha = left_t / left_s
        a = left_s.sqrt() * (1 - alpha) / (1 - left_t)
        b = alpha.sqrt() * (1 - left_s) / (1 - left_t)
        return a, b, (1 - left_s) / (1 - left_t) * (1 - alpha)
