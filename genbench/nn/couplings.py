"""Coupling layers and their stack (Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation using Real NVP")."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from genbench.nn.masked import MaskedLinear
from genbench.nn.splines import knots, spline, spline_inverse

__all__ = ["Affine", "Composite", "Coupling", "Flow", "LinearMap", "RationalQuadratic", "Transform", "coupling_flow"]


class Transform(Protocol):
    """A monotone map of one coordinate, given by `size` free parameters; all zeros are the identity."""

    @property
    def size(self) -> int:
        """Number of parameters of a coordinate."""

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return y and log dy/dx, both (...), for x (...) and parameters (..., size)."""

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return x and log dx/dy, both (...)."""


@dataclass(frozen=True)
class Affine:
    """y = x·exp(s) + t with the log-scale softly clamped to (−clamp, clamp), so that no layer can explode."""

    clamp: float = 2.0
    size: int = 2

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self._read(parameters)
        return x * s.exp() + t, s

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = self._read(parameters)
        return (y - t) * (-s).exp(), -s

    def _read(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        s, t = parameters.unbind(dim=-1)
        return self.clamp * torch.tanh(s / self.clamp), t


@dataclass(frozen=True)
class RationalQuadratic:
    """A rational-quadratic spline on [−bound, bound], the identity outside."""

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
    """One map after the other."""

    first: Transform
    second: Transform

    @property
    def size(self) -> int:
        return self.first.size + self.second.size

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        first, second = parameters.split([self.first.size, self.second.size], dim=-1)
        between, log_first = self.first.forward(x, first)
        y, log_second = self.second.forward(between, second)
        return y, log_first + log_second

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        first, second = parameters.split([self.first.size, self.second.size], dim=-1)
        between, log_second = self.second.inverse(y, second)
        x, log_first = self.first.inverse(between, first)
        return x, log_first + log_second


class Coupling(nn.Module):
    """Transforms the coordinates outside of a mask with parameters that a network reads off those inside (equation 9).

    The coordinates inside are not left as they are but pass a transform with constant parameters, the biases of their
    read-out: it costs little and leaves the Jacobian triangular. So a single coordinate, which has no other to read, is
    a flow too.

    Args:
        inside: Mask (d,), true where a coordinate is read.
        transform: The map of one coordinate.
        hidden: Width of the network.
        depth: Number of its hidden layers.
    """

    inside: Tensor

    def __init__(self, inside: Tensor, transform: Transform, hidden: int, depth: int) -> None:
        super().__init__()
        self.transform = transform
        self.register_buffer("inside", inside)
        degrees, units = torch.where(inside, 1, 2), torch.ones(hidden)
        layers: list[nn.Module] = [MaskedLinear(degrees, units), nn.SiLU()]
        for _ in range(depth - 1):
            layers += [nn.Linear(hidden, hidden), nn.SiLU()]
        self.read_out = MaskedLinear(units, degrees.repeat_interleave(transform.size), strict=True)
        for p in self.read_out.parameters():
            nn.init.zeros_(p)  # a flow starts as the identity
        self.trunk = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (b, d) and log |det dy/dx| (b,) in nats."""
        y, log_slope = self.transform.forward(x, self._parameters_at(x))
        return y, log_slope.sum(dim=1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return x (b, d) and log |det dx/dy| (b,) in nats."""
        inside, outside = self.inside, ~self.inside
        constants = self.read_out.bias.unflatten(0, (len(inside), -1))[inside]
        x = y.clone()
        x[:, inside], log_inside = self.transform.inverse(y[:, inside], constants.expand(len(y), -1, -1))
        x[:, outside], log_outside = self.transform.inverse(y[:, outside], self._parameters_at(x)[:, outside])
        return x, log_inside.sum(dim=1) + log_outside.sum(dim=1)

    def _parameters_at(self, x: Tensor) -> Tensor:
        """Return the parameters (b, d, size) of every coordinate of x (b, d); only those inside the mask are read."""
        return self.read_out(self.trunk(x)).unflatten(-1, (len(self.inside), -1))


class LinearMap(nn.Module):
    """y = LUx, L unit lower and U upper triangular: every coordinate mixed with every other (Kingma and Dhariwal 2018).

    Starts as the identity. The logarithms of U's diagonal are parameters, so it stays invertible (their equation 10).

    Args:
        d: Number of coordinates.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.off_diagonal = nn.Parameter(torch.zeros(d, d))
        self.log_diagonal = nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (b, d) and log |det dy/dx| (b,) in nats."""
        lower, upper = self._factors()
        return x @ (lower @ upper).T, self.log_diagonal.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return x (b, d) and log |det dx/dy| (b,) in nats."""
        lower, upper = self._factors()
        z = torch.linalg.solve_triangular(lower, y.T, upper=False, unitriangular=True)
        return torch.linalg.solve_triangular(upper, z, upper=True).T, -self.log_diagonal.sum().expand(len(y))

    def _factors(self) -> tuple[Tensor, Tensor]:
        lower = self.off_diagonal.tril(-1) + torch.eye(len(self.log_diagonal), dtype=self.log_diagonal.dtype)
        return lower, self.off_diagonal.triu(1) + self.log_diagonal.exp().diag()


class Flow(nn.Module):
    """A stack of invertible layers that maps data to standard normal noise.

    Args:
        d: Number of coordinates.
        layers: Modules with `forward` and `inverse`, each returning points and a log-determinant.
    """

    def __init__(self, d: int, layers: list[nn.Module]) -> None:
        super().__init__()
        self.d = d
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return noise z (b, d) and log |det dz/dx| (b,) in nats."""
        log_det = x.new_zeros(len(x))
        for layer in self.layers:
            x, step = layer(x)
            log_det = log_det + step
        return x, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """Return the point x (b, d) of noise z (b, d)."""
        for layer in reversed(self.layers):
            z, _ = layer.inverse(z)  # type: ignore[operator]
        return z

    def log_prob(self, x: Tensor) -> Tensor:
        """Return log p(x) = log N(z(x); 0, I) + log |det dz/dx| in nats (b,), by change of variables."""
        z, log_det = self(x)
        return log_det - 0.5 * (z.square().sum(dim=1) + self.d * math.log(2 * math.pi))


def coupling_flow(d: int, couplings: int, transform: Transform, hidden: int, depth: int) -> Flow:
    """Return a flow of couplings in pairs; the two of a pair swap roles.

    Each pair splits the coordinates anew at random, and mixes them all by a linear map first: elementwise maps of one
    half given the other could never undo a correlation within the half.
    """
    layers: list[nn.Module] = []
    for i in range(couplings):
        if i % 2 == 0:
            mask = torch.randperm(d) < (d + 1) // 2
            layers.append(LinearMap(d))
        elif d > 1:
            mask = ~mask
        layers.append(Coupling(mask, transform, hidden, depth))
    return Flow(d, layers)
