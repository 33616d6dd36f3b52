"""Networks with a time as input: Fourier features, and an MLP for velocities and noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional

from genbench.nn.mlp import mlp
from genbench.nn.time_network import TimeNetwork

__all__ = ["FourierEmbedding", "TimeMLP", "stratified", "stratified_normal"]

LABEL_WIDTH = 16  # by hand, of the vector of a label: room for many labels against time


class FourierEmbedding(nn.Module):
    """t -> (sin ω₁t, …, sin ωₖt, cos ω₁t, …, cos ωₖt), the ω in geometric progression.

    See Vaswani et al. (2017, §3.5). `slowest` is ω₁ and `fastest` is ωₖ, in radians per unit.

    Raises:
        ValueError: there are fewer than two frequencies, or 0 < slowest < fastest is not true.
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
        """Return the features (b, 2dk) of values t (b, d), for each coordinate separately."""
        angle = (t.unsqueeze(-1) * self.omega).flatten(1)  # (b, dk)
        return torch.cat([angle.sin(), angle.cos()], dim=1)

    def jvp(self, t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features (b, 2dk) of t (b, d) and their derivatives (m, b, 2dk).

        The derivatives are along v (m, b, d).
        """
        angle = (t.unsqueeze(-1) * self.omega).flatten(1)
        slope = (v.unsqueeze(-1) * self.omega).flatten(2)  # (m, b, dk)
        sin, cos = angle.sin(), angle.cos()
        return torch.cat([sin, cos], dim=1), torch.cat([cos * slope, -sin * slope], dim=2)


class TimeMLP(TimeNetwork):
    """An MLP of a point and of a time in [0, 1]: the velocity or the noise at (x, t).

    Its inputs are Fourier features of the time, the coordinates, and their sines and cosines at one, two, … radians per
    standard deviation. With these, a small network learns thin structures faster (Tancik et al. 2020).

    Args:
        time_features: number of frequencies of the time's features; 0 means the time itself as one input.
        point_features: number of frequencies 1, 2, 4, … of each coordinate's features, at least 2.
    """

    def __init__(
        self, d: int, hidden: int, depth: int, time_features: int = 8, point_features: int = 2, classes: int = 0
    ) -> None:
        width = LABEL_WIDTH if classes else 0
        super().__init__(classes, width)
        self.embed_time = FourierEmbedding(time_features, slowest=1.0, fastest=30.0) if time_features else nn.Identity()
        self.embed_point = FourierEmbedding(point_features, slowest=1.0, fastest=2.0 ** (point_features - 1))
        self.net = mlp(d + 2 * point_features * d + (2 * time_features or 1) + width, hidden, depth, d)

    def field(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
        value: Tensor = self.net(torch.cat([x, self.embed_point(x), self._told(len(x), t, labels)], dim=1))
        return value

    def _told(self, n: int, t: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the network is told (n, 16) beside the point: the time's features, and the label's vector."""
        time: Tensor = self.embed_time(t.reshape(-1, 1)).expand(n, -1)
        return time if self.embed_label is None else torch.cat([time, self.embed_label(labels)], dim=1)

    def jvp(self, x: Tensor, t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the value (b, d) and its derivatives (m, b, d) along directions v of x.

        The directions are (m, b, d) or (m, 1, d). It is one pass in forward mode: each layer computes the derivatives
        together with the value, so that a loss may contain them without a second differentiation of the graph. Guidance
        is ignored.
        """
        v = v.expand(-1, *x.shape)
        told = self._told(len(x), t, self._labels(len(x)))
        features, slopes = self.embed_point.jvp(x, v)
        still = told.new_zeros(*slopes.shape[:2], told.shape[1])  # what is told does not move with x
        point = torch.cat([x, features, told], dim=1)
        rows = torch.cat([point.unsqueeze(0), torch.cat([v, slopes, still], dim=2)])  # (1 + m, b, w)
        *hidden, last = (layer for layer in self.net if isinstance(layer, nn.Linear))
        for layer in hidden:
            rows = _SiLU.apply(functional.linear(rows, layer.weight), layer.bias)
        rows = functional.linear(rows, last.weight)
        return rows[0] + last.bias, rows[1:]


class _SiLU(torch.autograd.Function):
    """SiLU of values h + bias, and the derivatives through it, as rows (1 + m, b, w) of which h is the first.

    The matrix of a layer then multiplies all of them at once, and a backward of its own saves time.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, bias: Tensor) -> Tensor:
        h = rows[0] + bias
        gate = h.sigmoid()
        value = h * gate
        rate = gate + value * (1 - gate)
        ctx.save_for_backward(h, rows, gate, rate)
        result = rows * rate
        result[0] = value
        return result

    @staticmethod
    def backward(ctx: FunctionCtx, by_result: Tensor) -> tuple[Tensor, Tensor]:
        h, rows, gate, rate = ctx.saved_tensors  # type: ignore[attr-defined]
        curvature = gate * (1 - gate) * (2 + h * (1 - 2 * gate))
        by_rows = by_result * rate
        by_rows[0] += (by_result[1:] * rows[1:]).sum(dim=0) * curvature
        return by_rows, by_rows[0].sum(dim=0)


def stratified(n: int) -> Tensor:
    """Return times (n, 1), each uniform on its own [i/n, (i+1)/n).

    An average over them has far less noise.
    """
    return ((torch.arange(n) + torch.rand(n)) / n).unsqueeze(1)


def stratified_normal(n: int) -> Tensor:
    """Return standard normal numbers (n, 1), each in its own n-th of the distribution."""
    return torch.special.ndtri(stratified(n).clamp(1e-6, 1 - 1e-6))
