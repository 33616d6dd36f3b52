"""Coupling layers and their stack.

Dinh, Krueger and Bengio 2015 ("NICE"), Dinh, Sohl-Dickstein and Bengio 2017 ("Density estimation using Real NVP"),
Kingma and Dhariwal 2018 ("Glow"). Every layer has `forward` and `inverse`, each from points (b, d) to points (b, d) and
the log-determinant (b,) of its Jacobian in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from genbench.nn.mixing import MIXINGS, ActNorm, LinearMap, Scaling
from genbench.nn.splines import knots, spline, spline_inverse

__all__ = ["Additive", "Affine", "Composite", "Coupling", "Flow", "RationalQuadratic", "Transform", "coupling_flow"]


class Transform(Protocol):
    """A monotone map of one coordinate, with `size` free parameters.

    All parameters 0 give the identity.
    """

    @property
    def size(self) -> int:
        """The number of parameters for one coordinate."""

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log dy/dx, both (...), for x (...) and parameters (size, ...)."""

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return x and log dx/dy, both (...)."""


@dataclass(frozen=True)
class Additive:
    """y = x + t (NICE), which preserves volume."""

    size: int = 1

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return x + parameters[0], torch.zeros_like(x)

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return y - parameters[0], torch.zeros_like(y)


@dataclass(frozen=True)
class Affine:
    """y = x·exp(s) + t, with the log-scale softly clamped to (−clamp, clamp).

    So no layer can explode.
    """

    clamp: float = 2.0
    size: int = 2

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self._read(parameters)
        return torch.addcmul(t, x, s.exp()), s

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self._read(parameters)
        return (y - t) * (-s).exp(), -s

    def _read(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = parameters.unbind()
        return self.clamp * torch.tanh(s / self.clamp), t


@dataclass(frozen=True)
class RationalQuadratic:
    """A rational-quadratic spline on [−bound, bound], and the identity outside."""

    bins: int
    bound: float

    @property
    def size(self) -> int:
        return 3 * self.bins - 1

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return spline(x, knots(parameters, self.bound), self.bound)

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return spline_inverse(y, knots(parameters, self.bound), self.bound)


@dataclass(frozen=True)
class Composite:
    """Several maps, one after the other."""

    first: Transform
    second: Transform

    @property
    def size(self) -> int:
        return self.first.size + self.second.size

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        first, second = parameters.split([self.first.size, self.second.size])
        between, log_first = self.first.forward(x, first)
        y, log_second = self.second.forward(between, second)
        return y, log_first + log_second

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        first, second = parameters.split([self.first.size, self.second.size])
        between, log_second = self.second.inverse(y, second)
        x, log_first = self.first.inverse(between, first)
        return x, log_first + log_second


class Coupling(nn.Module):
    """Keeps some coordinates and transforms the others, with parameters that depend on them.

    See Real NVP, eq. 4. The first half is kept, the second transformed; with `flip` it is the reverse. For a single
    coordinate the parameters are constants. The network also gets `frequencies` sines and cosines of each kept
    coordinate, at 1, 2, 4, … radians per unit, so that a small network learns thin structures faster (Tancik et al.
    2020).
    """

    omega: Tensor
    trunk: nn.Sequential | None
    weight: nn.Parameter | None

    def __init__(self, d: int, flip: bool, transform: Transform, hidden: int, depth: int, frequencies: int = 0) -> None:
        super().__init__()
        self.first, self.flip, self.transform = d // 2, flip and d > 1, transform
        self.register_buffer("omega", 2.0 ** torch.arange(frequencies), persistent=False)
        read = d - self.first if self.flip else self.first
        self.bias = nn.Parameter(torch.zeros(transform.size * (d - read), 1))  # a flow starts as the identity
        self.weight, self.trunk = None, None
        if read:
            widths = [read * (1 + 2 * frequencies)] + [hidden] * (depth - 1)
            self.trunk = nn.Sequential(*(m for width in widths for m in (nn.Linear(width, hidden), nn.SiLU())))
            self.weight = nn.Parameter(torch.zeros(transform.size * (d - read), hidden))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        read, x = self._part(x)
        y, log_slope = self.transform.forward(x.T, self._parameters_at(read, x.shape[1]))
        return self._join(read, y.T), log_slope.sum(dim=0)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        read, y = self._part(y)
        x, log_slope = self.transform.inverse(y.T, self._parameters_at(read, y.shape[1]))
        return self._join(read, x.T), log_slope.sum(dim=0)

    def _part(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coordinates to read and those to transform."""
        first, second = x.split([self.first, x.shape[1] - self.first], dim=1)
        return (second, first) if self.flip else (first, second)

    def _join(self, read: Tensor, moved: Tensor) -> Tensor:
        return torch.cat([moved, read] if self.flip else [read, moved], dim=1)

    def _parameters_at(self, read: Tensor, moved: int) -> Tensor:
        """Return the parameters (size, moved, b), with the batch last: the transforms work along contiguous rows."""
        if self.trunk is None or self.weight is None:
            return self.bias.expand(-1, len(read)).unflatten(0, (-1, moved))
        if len(self.omega):
            angle = (read.unsqueeze(-1) * self.omega).flatten(1)
            read = torch.cat([read, angle.sin(), angle.cos()], dim=1)
        return torch.addmm(self.bias, self.weight, self.trunk(read).T).unflatten(0, (-1, moved))


class Flow(nn.Module):
    """A stack of invertible layers that maps data to noise."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Initialise each ActNorm with its own input for points x (n, d)."""
        if not any(isinstance(layer, ActNorm) for layer in self.layers):
            return
        for layer in self.layers:
            if isinstance(layer, ActNorm):
                layer.initialise(x)
            x, _ = layer(x)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return noise z (b, d) and log |det dz/dx| (b,) in nats."""
        log_dets = []
        for layer in self.layers:
            x, log_det = layer(x)
            log_dets.append(log_det)
        return x, torch.stack(log_dets).sum(dim=0)

    def inverse(self, z: Tensor) -> Tensor:
        """Return the point x (b, d) of noise z (b, d)."""
        for layer in reversed(self.layers):
            z, _ = layer.inverse(z)  # type: ignore[operator]
        return z

    def passage(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the points (layers + 1, b, d) between noise z (b, d) and data, and their times.

        The times (layers + 1,) are shares of the layers.
        """
        states = [z]
        for layer in reversed(self.layers):
            states.append(layer.inverse(states[-1])[0])  # type: ignore[operator]
        return torch.linspace(0, 1, len(states)), torch.stack(states)


def coupling_flow(
    d: int,
    couplings: int,
    transform: Transform,
    hidden: int,
    depth: int,
    mixing: str = "linear",
    actnorm: bool = False,
    frequencies: int = 0,
    aligned: bool = False,
) -> Flow:
    """Return a flow of couplings in pairs; the two of a pair exchange their halves.

    The coordinates are mixed before each pair, because elementwise maps of one half given the other cannot remove a
    correlation inside that half. A flow of additive couplings ends with a scaling of each coordinate.

    Args:
        mixing: "linear" (learned and invertible), "permutation" (random and fixed) or "rotation" (learned).
        aligned: whether the coordinates come in an order that halves suit, as independent axes do; then a linear map
            begins as the identity, and not as a random permutation.
        actnorm: whether there is an ActNorm before each coupling.
        hidden, depth, frequencies: sizes of a coupling's network.
    """
    layers: list[nn.Module] = []
    for i in range(couplings):
        if i % 2 == 0:
            layers.append(LinearMap(d, permuted=False) if aligned and mixing == "linear" else MIXINGS[mixing](d))
        if actnorm:
            layers.append(ActNorm(d))
        layers.append(Coupling(d, i % 2 == 1, transform, hidden, depth, frequencies))
    if isinstance(transform, Additive):
        layers.append(Scaling(d))
    return Flow(layers)
