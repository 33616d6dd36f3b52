"""Networks that are told the time: a Fourier embedding of t, and an MLP for velocities and noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genbench.nn.mlp import mlp

__all__ = ["FourierEmbedding", "TimeMLP", "stratified"]


class FourierEmbedding(nn.Module):
    """t -> (sin ω₁t, …, sin ωₖt, cos ω₁t, …, cos ωₖt) with frequencies in geometric progression (Vaswani et al. 2017, §3.5).

    Args:
        frequencies: number k of frequencies, at least 2.
        slowest: ω₁ in radians per unit of time.
        fastest: ωₖ in radians per unit of time.

    Raises:
        ValueError: fewer than two frequencies, or 0 < slowest < fastest does not hold.
    """

    def __init__(self, frequencies: int, slowest: float, fastest: float) -> None:
        super().__init__()
        if frequencies < 2:
            raise ValueError(f"frequencies={frequencies} must be at least 2")
        if not 0 < slowest < fastest:
            raise ValueError(f"slowest={slowest} and fastest={fastest} must satisfy 0 < slowest < fastest")
        omega = torch.logspace(math.log10(slowest), math.log10(fastest), frequencies)
        self.register_buffer("omega", omega, persistent=False)
        self.omega: Tensor

    def forward(self, t: Tensor) -> Tensor:
        """Return the embedding (b, 2k) of times t (b, 1)."""
        angle = t * self.omega  # (b, k)
        return torch.cat([angle.sin(), angle.cos()], dim=-1)


class TimeMLP(nn.Module):
    """An MLP of a point and of a time in [0, T], T around 1: the velocity or the noise at (x, t).

    Args:
        d: coordinates of a point.
        hidden: width of every hidden layer.
        depth: number of hidden layers.
        frequencies: number of frequencies of the time embedding.
    """

    def __init__(self, d: int, hidden: int, depth: int, frequencies: int = 8) -> None:
        super().__init__()
        self.embed = FourierEmbedding(frequencies, slowest=1.0, fastest=30.0)
        self.net = mlp(d + 2 * frequencies, hidden, depth, d)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the value (b, d) at points x (b, d) and times t (b, 1), or at one time t () for all."""
        embedding = self.embed(t.reshape(-1, 1)).expand(len(x), -1)  # (b, 2k)
        return self.net(torch.cat([x, embedding], dim=-1))


def stratified(n: int) -> Tensor:
    """Return times (n, 1), uniform on [0, 1) each and one in every [i/n, (i+1)/n): less noise in a loss's average over t."""
    return ((torch.arange(n) + torch.rand(n)) / n).unsqueeze(1)
