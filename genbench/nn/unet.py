"""The U-Net of flow matching and diffusion on images.

See Ronneberger et al. (2015) and Ho et al. (2020, appendix B).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.nn.time_embedding import FourierEmbedding
from genbench.nn.time_network import TimeNetwork

__all__ = ["UNet"]

COARSEST = 7  # by hand: pixels along a side, or fewer, at the lowest level if it can be, where attention is cheap
LARGEST = 16  # by hand (benchmarks/unet.py): pixels along a side of the finest level; larger images enter as patches
HEADS = 4  # of attention, by hand


class UNet(TimeNetwork):
    """A field on images: down to few pixels with attention, and up again with skips.

    Its inputs and outputs are vectors (b, c·h·w), so that the code of a flow is the same for points and images. Each
    level halves the side until it has 7 pixels or fewer, or an odd number; the first has `hidden` channels, the others
    twice as many, and each has `depth` residual blocks on the way down. Images of more than 16 pixels a side are first
    cut into patches of 2×2, 4×4, … pixels, whose pixels are channels, which saves most of the work at the finest level.
    The channels of a pixel are side by side in memory, and features are normalised over these, which is faster than
    groups of channels in planes.

    Raises:
        ValueError: `hidden` is not a multiple of 4.
    """

    def __init__(self, shape: tuple[int, int, int], hidden: int = 32, depth: int = 1, classes: int = 0) -> None:
        width = 4 * hidden  # of the vector that tells blocks the time and the label
        super().__init__(classes, width)
        if hidden % HEADS:
            raise ValueError(f"hidden={hidden} must be a multiple of {HEADS}, the number of attention heads of a U-Net")
        self.shape, self.patch = shape, _patch(shape)
        channels = shape[0] * self.patch**2
        widths = [hidden * (1 if level == 0 else 2) for level in range(_levels(shape, self.patch))]
        self.embed_time = nn.Sequential(
            FourierEmbedding(hidden // 2, slowest=1.0, fastest=100.0),
            nn.Linear(2 * (hidden // 2), width),
            nn.SiLU(),
            nn.Linear(width, width),
        )
        self.enter = nn.Conv2d(channels, hidden, 3, padding=1)
        self.down, self.up, seen, now = nn.ModuleList(), nn.ModuleList(), [hidden], hidden
        for level, wide in enumerate(widths):
            for _ in range(depth):
                self.down.append(Block(now, wide, width))
                now = wide
                seen.append(now)
            if level < len(widths) - 1:
                self.down.append(nn.Conv2d(now, now, 3, stride=2, padding=1))
                seen.append(now)
        self.middle = nn.ModuleList([Block(now, now, width), Attention(now), Block(now, now, width)])
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(depth + 1):
                self.up.append(Block(now + seen.pop(), wide, width))
                now = wide
            if level > 0:
                self.up.append(Upsample(now))
        self.leave = nn.Sequential(PixelNorm(now), nn.SiLU(), _still(nn.Conv2d(now, channels, 3, padding=1)))

    def field(self, x: Tensor, t: Tensor, labels: Tensor | None) -> Tensor:
        told = self.embed_time(t.reshape(-1, 1)).expand(len(x), -1)  # (b, 4 hidden)
        if labels is not None and self.embed_label is not None:
            told = told + self.embed_label(labels)
        told = functional.silu(told)
        patches = functional.pixel_unshuffle(x.unflatten(1, self.shape), self.patch)
        h = self.enter(patches.contiguous(memory_format=torch.channels_last))
        seen = [h]
        for layer in self.down:
            h = layer(h, told) if isinstance(layer, Block) else layer(h)
            seen.append(h)
        first, attention, second = self.middle
        h = second(attention(first(h, told)), told)
        for layer in self.up:
            h = layer(torch.cat([h, seen.pop()], dim=1), told) if isinstance(layer, Block) else layer(h)
        return functional.pixel_shuffle(self.leave(h), self.patch).flatten(1)


class PixelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each pixel of (b, c, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Block(nn.Module):
    """A residual block of two convolutions; the time shifts and scales the features between."""

    def __init__(self, inputs: int, outputs: int, told: int) -> None:
        super().__init__()
        self.before = PixelNorm(inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.tell = nn.Linear(told, 2 * outputs)
        self.between = PixelNorm(outputs, elementwise_affine=False)
        self.second = _still(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.straight = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Return features (b, outputs, h, w) of features x (b, inputs, h, w).

        `told` (b, told) is the embedding of the time and of the label.
        """
        h = self.first(functional.silu(self.before(x)))
        scale, shift = self.tell(told)[:, :, None, None].chunk(2, dim=1)
        h = torch.addcmul(shift, self.between(h), 1 + scale)
        value: Tensor = self.straight(x) + self.second(functional.silu(h))
        return value


class Attention(nn.Module):
    """Attention between all pixels (Vaswani et al. 2017), with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.answer = _still(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (b, c, h, w) of features x (b, c, h, w)."""
        asked = self.ask(self.before(x.flatten(2).mT)).unflatten(2, (3, HEADS, -1))  # (b, h w, 3, heads, c / heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        weight = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(dim=3)
        seen = (weight @ value).transpose(1, 2).flatten(2)  # (b, h w, c)
        return x + self.answer(seen).mT.unflatten(2, x.shape[2:])


class Upsample(nn.Module):
    """Doubling of both sides, by nearest neighbours and a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.smooth(functional.interpolate(x, scale_factor=2, mode="nearest"))
        return value


def _still(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Return a layer that begins as 0, so that its block begins as the straight way."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _patch(shape: tuple[int, int, int]) -> int:
    """Return the side of the patches as which an image enters."""
    patch, side = 1, max(shape[1:])
    while side // patch > LARGEST and all(size % (2 * patch) == 0 for size in shape[1:]):
        patch *= 2
    return patch


def _levels(shape: tuple[int, int, int], patch: int) -> int:
    """Return how many levels there are: sides are halved while they are even and above the coarsest."""
    levels, sides = 1, [size // patch for size in shape[1:]]
    while max(sides) > COARSEST and all(size % 2 == 0 for size in sides):
        sides, levels = [size // 2 for size in sides], levels + 1
    return levels
