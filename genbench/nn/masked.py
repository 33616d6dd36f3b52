"""A masked network whose i-th output depends only on the coordinates before i.

See Germain et al. (2015, "MADE").
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MaskedLinear", "MaskedNetwork"]


class MaskedLinear(nn.Linear):
    """A linear layer with only those connections that the degrees of its ends allow.

    See equations 12 and 13.

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
        return functional.linear(x, self.weight * self.mask, self.bias)

    def part(self, x: Tensor, rows: slice) -> Tensor:
        """Return only the outputs in `rows`, from the first inputs x (..., at most inputs)."""
        columns = slice(x.shape[-1])
        return functional.linear(x, self.weight[rows, columns] * self.mask[rows, columns], self.bias[rows])


class MaskedNetwork(nn.Module):
    """Maps x (b, d) to parameters (b, d, size); row i depends only on x_1 … x_{i−1}.

    The read-out uses x itself besides the hidden units, so that each row has a linear model of all coordinates before
    it, even if few hidden units have a low degree. Hidden units are sorted by degree, so that `step` computes each of
    them once in a sequential pass. The first layer also uses `frequencies` sines and cosines of each coordinate, see
    `genbench.nn.couplings.Coupling`.
    """

    degrees: Tensor
    omega: Tensor

    def __init__(self, d: int, hidden: int, depth: int, size: int, frequencies: int = 0) -> None:
        super().__init__()
        self.d, self.size = d, size
        coordinates = torch.arange(1, d + 1)
        self.register_buffer("degrees", torch.arange(hidden) * (d - 1) // hidden + min(1, d - 1))  # 1 … d − 1
        self.register_buffer("omega", 2.0 ** torch.arange(frequencies), persistent=False)
        layers = [MaskedLinear(coordinates.repeat_interleave(1 + 2 * frequencies), self.degrees)]
        layers += [MaskedLinear(self.degrees, self.degrees) for _ in range(depth - 1)]
        self.layers = nn.ModuleList(layers)
        rows = coordinates.repeat_interleave(size)
        self.read_hidden = MaskedLinear(self.degrees, rows, strict=True)
        self.read_x = MaskedLinear(coordinates, rows, strict=True)

    @torch.no_grad()
    def set_constant(self, row: Tensor) -> None:
        """Set every row to `row` (size,), whatever x is, as a start of training."""
        for read in (self.read_hidden, self.read_x):
            read.weight.zero_()
            read.bias.zero_()
        self.read_hidden.bias.copy_(row.repeat(self.d))

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameters (b, d, size) for x (b, d)."""
        h = self.features(x)
        for layer in self.layers:
            h = functional.silu(layer(h))
        return (self.read_hidden(h) + self.read_x(x)).unflatten(-1, (self.d, self.size))

    def features(self, x: Tensor) -> Tensor:
        """Return the inputs of the first layer (b, d (1 + 2 frequencies)) for x (b, d).

        They are ordered by coordinate.
        """
        x = x.unsqueeze(-1)
        angle = x * self.omega
        return torch.cat([x, angle.sin(), angle.cos()], dim=-1).flatten(1)

    def start(self, n: int) -> list[Tensor]:
        """Return the state of a sequential pass over n points.

        It has the activations of every hidden layer, which are not computed yet.
        """
        return [self.read_x.weight.new_empty(n, len(self.degrees)) for _ in self.layers]

    def step(self, state: list[Tensor], x: Tensor, i: int) -> Tensor:
        """Return row i (n, size), from 0, and update the state.

        x (n, at least i) has the coordinates before it. Rows must be computed in order. A unit of degree i never
        changes once x_i is known, so only the units of that degree are computed, and the whole pass costs about as much
        as one `forward`.
        """
        known, end = (int((self.degrees < limit).sum()) for limit in (i, i + 1))
        h = self.features(x[:, :i])
        for layer, activations in zip(cast("list[MaskedLinear]", list(self.layers)), state, strict=True):
            activations[:, known:end] = functional.silu(layer.part(h, slice(known, end)))
            h = activations[:, :end]
        row = slice(i * self.size, (i + 1) * self.size)
        return self.read_hidden.part(h, row) + self.read_x.part(x[:, :i], row)
