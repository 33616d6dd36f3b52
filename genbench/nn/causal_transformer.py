"""A causal transformer over the coordinates of a point, with a cache for sampling.

See Vaswani et al. (2017).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CausalTransformer"]

Cache = list[tuple[Tensor, Tensor]]  # keys and values (b, heads, d, width / heads) of every block


class _Block(nn.Module):
    """Attention and a feed-forward network, each normalised before and added after (Xiong et al. 2020, "pre-LN")."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, h: Tensor) -> Tensor:
        """Return (b, t, width) for h (b, t, width); token i sees the tokens up to i."""
        q, k, v = self._heads(h)
        return self._feed(h, functional.scaled_dot_product_attention(q, k, v, is_causal=True))

    def step(self, h: Tensor, i: int, keys: Tensor, values: Tensor) -> Tensor:
        """Return token i (b, 1, width) for h (b, 1, width); puts its key and value into the cache."""
        q, keys[:, :, i : i + 1], values[:, :, i : i + 1] = self._heads(h)
        seen = slice(i + 1)
        return self._feed(h, functional.scaled_dot_product_attention(q, keys[:, :, seen], values[:, :, seen]))

    def _heads(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return query, key and value (b, heads, t, width / heads) each."""
        split = self.qkv(self.before_attention(h)).unflatten(-1, (3, self.heads, -1))  # (b, t, 3, heads, width / heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _feed(self, h: Tensor, attended: Tensor) -> Tensor:
        h = h + self.join(attended.transpose(1, 2).flatten(2))
        return h + cast(Tensor, self.feed(self.before_feed(h)))


class CausalTransformer(nn.Module):
    """Maps x (b, d) to parameters (b, d, size); row i depends only on x_1 … x_{i−1}.

    Token i is x_{i−1}, embedded by a two-layer network with a separate first layer for each coordinate; token 1 is the
    same for every point. The interface is that of `MaskedNetwork`. `width` must be a multiple of `heads`.
    """

    def __init__(self, d: int, width: int, depth: int, heads: int, size: int) -> None:
        super().__init__()
        self.d = d
        self.slope, self.offset = nn.Parameter(torch.randn(d - 1, width)), nn.Parameter(torch.randn(d - 1, width))
        self.embed = nn.Linear(width, width)
        self.place = nn.Parameter(0.02 * torch.randn(d, width))
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, size, bias=False)
        self.bias = nn.Parameter(torch.zeros(d, size))

    @torch.no_grad()
    def set_constant(self, row: Tensor) -> None:
        """Set every row to `row` (size,), whatever x is, as a start of training."""
        self.read.weight.zero_()
        self.bias.copy_(row.expand_as(self.bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameters (b, d, size) for x (b, d)."""
        first = self.place[:1].expand(len(x), 1, -1)
        later = self._token(x[:, :-1], self.slope, self.offset) + self.place[1:]
        h = torch.cat([first, later], dim=1)  # (b, d, width)
        for block in self.blocks:
            h = block(h)
        return cast(Tensor, self.read(self.norm(h))) + self.bias

    def start(self, n: int) -> Cache:
        """Return the state of a sequential pass over n points.

        It has room for the keys and values of every block.
        """
        heads, width = cast(_Block, self.blocks[0]).heads, self.place.shape[1]
        shape = (n, heads, self.d, width // heads)
        return [(self.place.new_empty(shape), self.place.new_empty(shape)) for _ in self.blocks]

    def step(self, state: Cache, x: Tensor, i: int) -> Tensor:
        """Return row i (n, size), from 0, and update the state.

        x (n, at least i) has the coordinates before it. Rows must be computed in order. Keys and values of earlier
        tokens never change, so only token i is computed.
        """
        h = self.place[i].expand(len(x), 1, -1)
        if i > 0:
            before = slice(i - 1, i)
            h = h + self._token(x[:, before], self.slope[before], self.offset[before])
        for block, (keys, values) in zip(self.blocks, state, strict=True):
            h = cast(_Block, block).step(h, i, keys, values)
        return cast(Tensor, self.read(self.norm(h[:, 0]))) + self.bias[i]

    def _token(self, x: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
        """Return the embeddings (b, t, width) of coordinates x (b, t)."""
        return cast(Tensor, self.embed(functional.silu(x.unsqueeze(-1) * slope + offset)))
