"""A convolutional network whose output at a pixel depends only on the pixels before it.

Van den Oord et al. 2016 ("Conditional image generation with PixelCNN decoders"), with the sequential evaluation of
Ramachandran et al. 2017 ("Fast generation for convolutional autoregressive models").
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.nn.masked import MaskedLinear

__all__ = ["PixelCNN"]

REACH = 3  # by hand, 7×7 as in van den Oord et al. 2016: rows above and pixels on each side that the first layer reads
DILATIONS = (1, 2, 4)  # by hand, of the blocks in turn: eight blocks see 20 rows and 20 pixels further


class _Block(nn.Module):
    """One layer of both stacks, each residual: figure 2 of the paper, with rectified units where it has gated ones.

    The vertical stack v sees all rows above a pixel, the horizontal stack h the pixels on its left and, through v, the
    rows above: together they see all pixels before it, and none that come later. There is no blind spot. A gate costs
    twice the channels.
    """

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation, self.dropout = dilation, nn.Dropout(dropout)
        self.down = nn.Conv2d(channels, channels, (2, 3), dilation=dilation)
        self.across = nn.Conv2d(channels, channels, (1, 2), dilation=dilation)
        self.link = nn.Conv2d(channels, channels, 1)
        self.join = nn.Conv2d(channels, channels, 1)

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Return both stacks (b, channels, height, width), which (b, channels, height, width) they were."""
        far = self.dilation
        v = v + self.down(functional.pad(v.relu(), (far, far, far, 0)))
        return v, self._horizontal(h, self.across(functional.pad(h.relu(), (far, 0))), self.link(v.relu()))

    def row(self, before: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return a row of v and its link, for the row v (n, channels, 1, width) and the one a dilation before."""
        far, pair = self.dilation, torch.cat([before, v], dim=2).relu()
        v = v + functional.conv2d(pair, self.down.weight, self.down.bias, padding=(0, far), dilation=(1, far))
        return v, self.link(v.relu())

    def pixel(self, before: Tensor, h: Tensor, link: Tensor) -> Tensor:
        """Return a pixel of h, for the pixel h (n, channels, 1, 1), the one a dilation before, and its link."""
        pair = torch.cat([before, h], dim=3).relu()
        return self._horizontal(h, functional.conv2d(pair, self.across.weight, self.across.bias), link)

    def _horizontal(self, h: Tensor, across: Tensor, link: Tensor) -> Tensor:
        return h + cast(Tensor, self.join(self.dropout((across + link).relu())))


@dataclass
class _Pass:
    """A sequential pass: of every layer, the last activations that a kernel still reaches, zeros at first."""

    rows: list[deque[Tensor]]  # of v, (n, channels, 1, width) each
    pixels: list[deque[Tensor]]  # of h in the present row, (n, channels, 1, 1) each
    links: list[Tensor]  # what every block's h adds of v in the present row, (n, channels, 1, width) each
    features: Tensor  # of the present pixel, (n, c channels)


class PixelCNN(nn.Module):
    """Maps images x (b, d) to parameters (b, d, size); row i depends only on x_1 … x_{i−1}.

    Coordinates are pixels from left to right and from top to bottom, each with its channels: x is an image (b, height,
    width, c), flattened. The convolutions use the pixels before one; a masked layer adds the earlier channels of the
    pixel itself. The interface is that of `MaskedNetwork`.

    Args:
        shape: (c, height, width) of an image.
        channels: number of channels of each of the two stacks.
        dropout: share of the horizontal stack's units that are dropped in training, in [0, 1).
    """

    def __init__(self, shape: tuple[int, ...], channels: int, depth: int, size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.c, self.height, self.width = shape
        self.channels = channels
        self.above = nn.Conv2d(self.c, channels, (REACH, 2 * REACH + 1))
        self.left = nn.Conv2d(self.c, channels, (1, REACH))
        self.place_v, self.place_h = (nn.Parameter(torch.zeros(channels, *shape[1:])) for _ in range(2))
        dilations = [DILATIONS[i % len(DILATIONS)] for i in range(depth)]
        self.blocks = nn.ModuleList(_Block(channels, dilation, dropout) for dilation in dilations)
        self.summary = nn.Conv2d(channels, self.c * channels, 1)
        numbers = torch.arange(1, self.c + 1)
        self.colours = MaskedLinear(numbers, numbers.repeat_interleave(channels), strict=True)
        self.read = nn.Parameter(torch.randn(self.c, channels, size) / channels**0.5)
        self.bias = nn.Parameter(torch.zeros(math.prod(shape), size))

    @torch.no_grad()
    def set_constant(self, rows: Tensor) -> None:
        """Set the parameters to `rows` (size,) or (d, size), whatever x is, as a start."""
        self.read.zero_()
        self.bias.copy_(rows.expand_as(self.bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameters (b, d, size) for x (b, d)."""
        pixels = x.unflatten(1, (self.height, self.width, self.c))
        picture = pixels.permute(0, 3, 1, 2)
        v = self.above(functional.pad(picture, (REACH, REACH, REACH, 0))[:, :, :-1]) + self.place_v
        h = self.left(functional.pad(picture, (REACH, 0))[..., :-1]) + self.place_h
        v, h = (a.contiguous(memory_format=torch.channels_last) for a in (v, h))  # convolutions are faster so
        for block in self.blocks:
            v, h = block(v, h)
        features = (self.summary(h).permute(0, 2, 3, 1) + self.colours(pixels)).relu()
        by_channel = features.unflatten(-1, (self.c, self.channels))
        return torch.einsum("...cf,cfs->...cs", by_channel, self.read).flatten(1, 3) + self.bias

    def start(self, n: int) -> _Pass:
        """Return the state of a sequential pass over n images."""
        blocks = cast("list[_Block]", list(self.blocks))
        row, pixel = (self.place_v.new_zeros(n, self.channels, 1, width) for width in (self.width, 1))
        rows = [deque([row] * block.dilation, maxlen=block.dilation) for block in blocks]
        pixels = [deque([pixel] * block.dilation, maxlen=block.dilation) for block in blocks]
        return _Pass(rows, pixels, [], pixel)

    def step(self, state: _Pass, x: Tensor, i: int) -> Tensor:
        """Return row i (n, size), from 0, and update the state.

        x (n, at least i) has the coordinates before it. Rows must be computed in order. An activation never changes
        once the pixels before it are known, so each is computed once, and the whole pass costs about as much as one
        `forward`.
        """
        pixel, channel = divmod(i, self.c)
        row, column = divmod(pixel, self.width)
        if channel == 0:
            if column == 0:
                self._begin_row(state, x, row)
            self._begin_pixel(state, x, row, column)
        own = slice(channel * self.channels, (channel + 1) * self.channels)
        features = state.features[:, own] + self.colours.part(x[:, i - channel : i], own)
        return features.relu() @ self.read[channel] + self.bias[i]

    def _begin_row(self, state: _Pass, x: Tensor, row: int) -> None:
        """Compute the vertical stack in a row from the rows above it."""
        size, first = self.width * self.c, max(0, row - REACH)
        known = x[:, first * size : row * size].unflatten(1, (row - first, self.width, self.c)).permute(0, 3, 1, 2)
        window = functional.pad(known, (REACH, REACH, REACH - (row - first), 0))
        v = self.above(window) + self.place_v[:, row : row + 1]
        state.links = []
        for block, past, pixels in zip(cast("list[_Block]", list(self.blocks)), state.rows, state.pixels, strict=True):
            before = past[0]
            past.append(v)
            v, link = block.row(before, v)
            state.links.append(link)
            pixels.extend([torch.zeros_like(pixels[0])] * block.dilation)

    def _begin_pixel(self, state: _Pass, x: Tensor, row: int, column: int) -> None:
        """Compute the horizontal stack at a pixel from the pixels on its left and the vertical stack of its row."""
        begin, first = row * self.width * self.c, max(0, column - REACH)
        known = x[:, begin + first * self.c : begin + column * self.c].unflatten(1, (1, column - first, self.c))
        window = functional.pad(known.permute(0, 3, 1, 2), (REACH - (column - first), 0))
        h = self.left(window) + self.place_h[:, row : row + 1, column : column + 1]
        blocks = cast("list[_Block]", list(self.blocks))
        for block, past, link in zip(blocks, state.pixels, state.links, strict=True):
            before = past[0]
            past.append(h)
            h = block.pixel(before, h, link[..., column : column + 1])
        state.features = self.summary(h).flatten(1)
