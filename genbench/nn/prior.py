"""Priors of a latent-variable model: the standard normal, or a learned mixture.

The mixture is one of Gaussians.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genbench.nn.likelihoods import log_normal

__all__ = ["MixturePrior", "StandardNormal", "kl_to_standard_normal", "prior_of"]

PACE = 10.0  # by hand: how much faster the Gaussians must move than a network's weights, in an optimiser's steps
SPREAD = 0.3  # measured by hand on digits; of the means at first, where deviations are 1: near N(0, I)


class StandardNormal(nn.Module):
    """p(z) = N(0, I) for z (…, l)."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.latents = latents

    def log_prob(self, z: Tensor) -> Tensor:
        """Return log p(z) (…) in nats."""
        return log_normal(z)

    def kl(self, mean: Tensor, log_std: Tensor, z: Tensor) -> Tensor:
        """Return KL(N(m, diag s²) ‖ p) (b,) for m and log s (b, l), exactly.

        The draws z (k, b, l) are not used.
        """
        return kl_to_standard_normal(mean, log_std)

    def sample(self, n: int, temperature: float = 1.0) -> Tensor:
        """Return n draws (n, l), with the standard deviation multiplied by `temperature`."""
        return temperature * torch.randn(n, self.latents)


class MixturePrior(nn.Module):
    """p(z) = Σ_k π_k N(m_k, diag s_k²), with learned π, m and s.

    It is "MoG" of Tomczak & Welling (2018, §2). Codes of data with classes form clusters. Between them a decoder has
    learned nothing, but N(0, I) has draws there. At the start the weights are equal, the means have the standard
    deviation `spread`, and each Gaussian has `deviation`.
    """

    def __init__(self, components: int, latents: int, spread: float = SPREAD, deviation: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(components))
        self.mean = nn.Parameter(spread * torch.randn(components, latents) / PACE)
        self.log_std = nn.Parameter(torch.full((components, latents), math.log(deviation) / PACE))

    def log_prob(self, z: Tensor) -> Tensor:
        """Return log p(z) (…) in nats."""
        log_std = PACE * self.log_std
        error = (z.unsqueeze(-2) - PACE * self.mean) * (-log_std).exp()  # (…, k, l)
        each = -0.5 * error.square().sum(-1) - log_std.sum(-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)
        return torch.logsumexp(each + (PACE * self.weight).log_softmax(0), dim=-1)

    def kl(self, mean: Tensor, log_std: Tensor, z: Tensor) -> Tensor:
        """Return an estimate of KL(q ‖ p) (b,) for q = N(m, diag s²).

        It is the mean over the draws z (k, b, l) of q.
        """
        return (log_normal(z, mean, log_std) - self.log_prob(z)).mean(0)

    def sample(self, n: int, temperature: float = 1.0) -> Tensor:
        """Return n draws (n, l), with the deviation of each Gaussian multiplied by `temperature`."""
        chosen = torch.multinomial((PACE * self.weight).softmax(0), n, replacement=True)
        noise = temperature * torch.randn(n, self.mean.shape[1])
        return PACE * self.mean[chosen] + (PACE * self.log_std[chosen]).exp() * noise


def prior_of(
    components: int, latents: int, spread: float = SPREAD, deviation: float = 1.0
) -> StandardNormal | MixturePrior:
    """Return a `MixturePrior` of learned Gaussians, or N(0, I) for 0 components."""
    return MixturePrior(components, latents, spread, deviation) if components else StandardNormal(latents)


def kl_to_standard_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    """Return KL(N(m, diag s²) ‖ N(0, I)) = ½ Σ (m² + s² − 1 − log s²) in nats, (b,).

    See Kingma & Welling (2014, app. B).
    """
    return 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(dim=-1)
