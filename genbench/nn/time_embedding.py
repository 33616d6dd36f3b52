"""Networks that are told the time: Fourier features, and an MLP for velocities and noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genbench.nn.mlp import mlp

__all__ = ["FourierEmbedding", "TimeMLP", "stratified"]


class FourierEmbedding(nn.Module):
    """t -> (sin ω₁t, …, sin ωₖt, cos ω₁t, …, cos ωₖt), the ω in geometric progression (Vaswani et al. 2017, §3.5).

    Args:
        frequencies: number k of frequencies, at least 2.
        slowest: ω₁ in radians per unit.
        fastest: ωₖ in radians per unit.

    Raises:
        ValueError: fewer than two frequencies, or 0 < slowest < fastest does not hold.
    """

    omega: Tensor

    def __init__(self, frequencies: int, slowest: float, fastest: float) -> None:
        super().__init__()
        if frequencies < 2:
            raise ValueError(f"frequencies={frequencies} must be at least 2")
        if not 0 < slowest < fastest:
            raise ValueError(f"slowest={slowest} and fastest={fastest} must satisfy 0 < slowest < fastest")
        omega = torch.logspace(math.log10(slowest), math.log10(fastest), frequencies)
        self.register_buffer("omega", omega, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Return the features (b, 2dk) of values t (b, d), each coordinate by itself."""
        angle = (t.unsqueeze(-1) * self.omega).flatten(1)  # (b, dk)
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class TimeMLP(nn.Module):
    """An MLP of a point and of a time in [0, 1]: the velocity or the noise at (x, t).

    It sees the time as Fourier features, and beside the coordinates their sines and cosines at one and two radians per
    standard deviation, with which a small network follows thin structures sooner (Tancik et al. 2020).

    Args:
        d: coordinates of a point.
        hidden: width of every hidden layer.
        depth: number of hidden layers.
    """

    def __init__(self, d: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embed_time = FourierEmbedding(8, slowest=1.0, fastest=30.0)
        self.embed_point = FourierEmbedding(2, slowest=1.0, fastest=2.0)
        self.net = mlp(d + 2 * 2 * d + 2 * 8, hidden, depth, d)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the value (b, d) at points x (b, d) and times t (b, 1), or at one time t () for all."""
        time = self.embed_time(t.reshape(-1, 1)).expand(len(x), -1)  # (b, 16)
        value: Tensor = self.net(torch.cat([x, self.embed_point(x), time], dim=1))
        return value


def stratified(n: int) -> Tensor:
    """Return times (n, 1), each uniform on its own [i/n, (i+1)/n): an average over them has far less noise."""
    return ((torch.arange(n) + torch.rand(n)) / n).unsqueeze(1)
