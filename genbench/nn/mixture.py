"""Mixtures of Gaussians on the line, whose parameters a network gives.

See Bishop (1994, "Mixture density networks").
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["LOG_MIN_SCALE", "Mixture", "standard_parameters"]

LOG_MIN_SCALE = math.log(1e-3)  # by hand: repeated values cannot make the density explode


class Mixture(NamedTuple):
    """Mixtures Σ_k w_k N(μ_k, σ_k²) of K Gaussians.

    The fields are the logits of the w_k, the μ_k and the log σ_k, (..., K) each.
    """

    logits: Tensor
    mean: Tensor
    log_scale: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> Mixture:
        """Return the mixtures of free parameters (..., 3K); no scale is below 1e-3."""
        logits, mean, raw = parameters.chunk(3, dim=-1)
        return cls(logits, mean, LOG_MIN_SCALE + functional.softplus(raw - LOG_MIN_SCALE))

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log Σ_k w_k N(x; μ_k, σ_k²) (...) in nats for x (...)."""
        z = (x.unsqueeze(-1) - self.mean) * (-self.log_scale).exp()
        log_weight = self.logits.log_softmax(dim=-1)
        return _log_sum_exp(log_weight - self.log_scale - 0.5 * z * z) - 0.5 * math.log(2 * math.pi)

    def sample(self) -> Tensor:
        """Return one draw (...) from each mixture: a component by inversion, then its point."""
        u = torch.rand_like(self.logits[..., :1])
        below = self.logits.softmax(dim=-1).cumsum(dim=-1)[..., :-1] < u
        chosen = below.sum(dim=-1, keepdim=True)  # (..., 1)
        mean, scale = (part.gather(-1, chosen).squeeze(-1) for part in (self.mean, self.log_scale.exp()))
        return mean + scale * torch.randn_like(mean)


def standard_parameters(components: int) -> Tensor:
    """Return free parameters (3K,) of a mixture that is nearly N(0, 1), as a start.

    All weights are equal. The means are quantiles, scaled so that the variance is 1. The scales are wide, so that the
    tails are nearly those of N(0, 1), too; otherwise the loss of outliers would be large.
    """
    scale = 0.9 if components > 1 else 1.0
    mean = torch.special.ndtri((torch.arange(components) + 0.5) / components)
    mean *= math.sqrt(1 - scale**2) / mean.square().mean().sqrt().clamp(min=1e-6)
    raw = LOG_MIN_SCALE + math.log(math.expm1(math.log(scale) - LOG_MIN_SCALE))
    return torch.cat([torch.zeros(components), mean, torch.full((components,), raw)])


def _log_sum_exp(a: Tensor) -> Tensor:
    """Return log Σ exp a over the last dimension, dropping terms under e⁻³⁰ of the largest.

    A float32 cannot tell, and their exponentials would be denormal numbers, which are slow on many CPUs.
    """
    largest = a.detach().amax(dim=-1, keepdim=True)
    return (a - largest).clamp(min=-30).exp().sum(dim=-1).log() + largest.squeeze(-1)
