"""Autoregressive mixture density: one conditional after the other, each a mixture of Gaussians."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from genbench.model import register_model
from genbench.nn.masked import MaskedNetwork
from genbench.recipe import Recipe
from genbench.torch_model import TorchModel

__all__ = ["Autoregressive"]

LOG_MIN_SCALE = math.log(1e-3)  # of a standardised coordinate: repeated values cannot make the density explode
PART = 2000  # points at a time: the mixtures of many points in many dimensions fill the memory


@register_model(
    "ar",
    family="autoregressive",
    likelihood="exact",
    paper="Bishop 1994; Uria, Murray and Larochelle 2013; Germain et al. 2015",
)
class Autoregressive(TorchModel):
    """Autoregressive mixture density: p(x) = Π p(x_i | x_1 … x_{i−1}), each factor a mixture of Gaussians.

    A masked network (MADE) gives the logits, means and scales of all the mixtures in one pass; sampling takes d steps.

    Args:
        components: Gaussians of a conditional.
        hidden: Width of the network.
        depth: Number of its hidden layers.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, ema=0.99, step_ms=3.7)

    def __init__(self, components: int = 16, hidden: int = 128, depth: int = 3) -> None:
        for name, value in (("components", components), ("hidden", hidden), ("depth", depth)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        self.components, self.hidden, self.depth = components, hidden, depth

    def build(self, shape: tuple[int, ...]) -> None:
        (self.d,) = shape
        k = self.components
        self.network = MaskedNetwork(self.d, self.hidden, self.depth, 3 * k)
        logits, mean, log_scale = self.network.read_hidden.bias.detach().view(self.d, 3, k).unbind(dim=1)
        logits.zero_()
        mean.copy_(torch.special.ndtri((torch.arange(k) + 0.5) / k))  # spread over a standardised coordinate
        log_scale.fill_(math.log(0.3))  # wide enough to start as one smooth bump

    def training_loss(self, x: Tensor) -> Tensor:
        return -self._log_density(x).mean()

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.cat([self._log_density(part) for part in x.split(PART)])

    def sample(self, n: int) -> Tensor:
        x, state = torch.zeros(n, self.d), self.network.start(n)
        for i in range(self.d):
            logits, mean, log_scale = _mixtures(self.network.step(state, x, i))  # (n, k) each
            below = logits.softmax(dim=-1).cumsum(dim=-1)[:, :-1] < torch.rand(n, 1)
            chosen = below.sum(dim=-1, keepdim=True)  # (n, 1)
            x[:, i : i + 1] = mean.gather(1, chosen) + log_scale.gather(1, chosen).exp() * torch.randn(n, 1)
        return x

    def _log_density(self, x: Tensor) -> Tensor:
        """Return log p(x) = Σ_i log Σ_k w_ik N(x_i; μ_ik, σ_ik²), (b,) for x (b, d)."""
        logits, mean, log_scale = _mixtures(self.network(x))  # (b, d, k) each
        z = (x.unsqueeze(-1) - mean) * (-log_scale).exp()
        log_density = _log_sum_exp(logits - log_scale - 0.5 * z * z) - _log_sum_exp(logits)  # (b, d)
        return log_density.sum(dim=1) - 0.5 * self.d * math.log(2 * math.pi)


def _mixtures(parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, means and log-scales, each (..., k), of parameters (..., 3k)."""
    logits, mean, raw = parameters.chunk(3, dim=-1)
    return logits, mean, LOG_MIN_SCALE + functional.softplus(raw - LOG_MIN_SCALE)


def _log_sum_exp(a: Tensor) -> Tensor:
    """Return log Σ exp a over the last dimension, dropping terms under e⁻³⁰ of the largest.

    A float32 cannot tell, and their exponentials would be denormal numbers, a hundred times slower on many CPUs.
    """
    largest = a.detach().amax(dim=-1, keepdim=True)
    return (a - largest).clamp(min=-30).exp().sum(dim=-1).log() + largest.squeeze(-1)
