"""A masked network whose i-th output reads only the coordinates before i (Germain et al. 2015, "MADE")."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MaskedLinear", "MaskedNetwork"]


class MaskedLinear(nn.Linear):
    """A linear layer that keeps only the connections allowed by the degrees of its ends (equations 12 and 13).

    Args:
        before: Degrees (inputs,); unit k may depend on the coordinates 1 to its degree.
        after: Degrees (outputs,).
        strict: Whether a connection needs a smaller degree before it, or an equal one is enough.
    """

    mask: Tensor

    def __init__(self, before: Tensor, after: Tensor, strict: bool = False) -> None:
        super().__init__(len(before), len(after))
        allowed = before < after.unsqueeze(-1) if strict else before <= after.unsqueeze(-1)
        self.register_buffer("mask", allowed.float())

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., outputs) for x (..., inputs)."""
        return F.linear(x, self.weight * self.mask, self.bias)


class MaskedNetwork(nn.Module):
    """Maps x (b, d) to parameters (b, d, size), where row i depends on x_1 … x_{i−1} alone.

    The read-out sees the hidden units and x itself, so that each row has a linear model of all the coordinates before
    it even where few hidden units have a low degree. Hidden units are sorted by degree: `step` uses that to compute each
    of them once in the whole of a sequential pass.

    Args:
        d: Number of coordinates.
        hidden: Width of the hidden layers.
        depth: Number of hidden layers, at least 1.
        size: Number of parameters of a row.
    """

    degrees: Tensor

    def __init__(self, d: int, hidden: int, depth: int, size: int) -> None:
        super().__init__()
        self.d, self.size = d, size
        coordinates = torch.arange(1, d + 1)
        self.register_buffer("degrees", 1 + torch.arange(hidden) * (d - 1) // hidden if d > 1 else torch.zeros(hidden))
        layers = [MaskedLinear(coordinates, self.degrees)]
        layers += [MaskedLinear(self.degrees, self.degrees) for _ in range(depth - 1)]
        self.layers = nn.ModuleList(layers)
        ends = torch.cat([self.degrees, coordinates])
        self.head = MaskedLinear(ends, coordinates.repeat_interleave(size), strict=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameters (b, d, size) for x (b, d)."""
        h = x
        for layer in self.layers:
            h = F.silu(layer(h))
        return self.head(torch.cat([h, x], dim=-1)).unflatten(-1, (self.d, self.size))

    def start(self, n: int) -> list[Tensor]:
        """Return the empty state of a sequential pass over n points: the activations of every layer, read-out input last."""
        hidden = len(self.degrees)
        return [torch.empty(n, hidden) for _ in self.layers[1:]] + [torch.zeros(n, hidden + self.d)]

    def step(self, state: list[Tensor], x: Tensor, i: int) -> Tensor:
        """Return row i (n, size), from 0, given the coordinates before it in x (n, d); updates the state.

        Rows must be asked for in order. A unit of degree i never changes once x_i is known, so only the units of that
        degree are computed, and the whole pass costs about as much as one `forward`.
        """
        new = (self.degrees == i).nonzero().flatten()
        if len(new):
            a, b = int(new[0]), int(new[-1]) + 1
            h = x[:, :i]
            for layer, out in zip(self.layers, state, strict=True):
                reads = i if layer is self.layers[0] else b
                out[:, a:b] = F.silu(F.linear(h[:, :reads], (layer.weight * layer.mask)[a:b, :reads], layer.bias[a:b]))
                h = out
        if i:
            state[-1][:, len(self.degrees) + i - 1] = x[:, i - 1]
        rows = slice(i * self.size, (i + 1) * self.size)
        return F.linear(state[-1], (self.head.weight * self.head.mask)[rows], self.head.bias[rows])
