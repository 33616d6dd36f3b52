"""Convolutional networks between images and vectors, and the initial weights of DCGAN.

The resolution is halved as long as both sides are even and more than 4: 64 and 32 pixels end at 4, 28 at 7, 8 at 4.
Each halving doubles the channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

__all__ = ["ConvolutionalDecoder", "Scales", "convolutional_encoder", "dcgan_init", "group_norm", "scales"]

Layer = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]
SMALLEST = 4  # pixels of a side that is not halved any more, as in DCGAN (Radford et al. 2016, figure 1)


class Scales(NamedTuple):
    """The channels after each halving (one entry or more), and the last height and width."""

    widths: tuple[int, ...]
    halvings: int
    height: int
    width: int


def scales(shape: tuple[int, ...], hidden: int) -> Scales:
    """Return the scales for an image (c, h, w); the first has `hidden` channels."""
    _, height, width = shape
    halvings = 0
    while min(height, width) > SMALLEST and height % 2 == width % 2 == 0:
        height, width, halvings = height // 2, width // 2, halvings + 1
    return Scales(tuple(hidden * 2**i for i in range(max(halvings, 1))), halvings, height, width)


class _Residual(nn.Module):
    """x + convolution of x, 3×3, normalised and activated before."""

    def __init__(self, channels: int, activation: Layer, norm: Norm) -> None:
        super().__init__()
        self.branch = nn.Sequential(norm(channels), activation(), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum (b, channels, h, w)."""
        total: Tensor = x + self.branch(x)
        return total


def no_norm(channels: int) -> nn.Module:
    """Return a layer that does nothing."""
    return nn.Identity()


def group_norm(channels: int) -> nn.Module:
    """Return a normalisation of groups of channels, for each image alone (Wu & He 2018)."""
    return nn.GroupNorm(math.gcd(channels, 8), channels)


def convolutional_encoder(
    shape: tuple[int, ...], hidden: int, depth: int, outputs: int, activation: Layer = nn.SiLU, norm: Norm = no_norm
) -> nn.Sequential:
    """Return a network from images (b, c, h, w) to (b, outputs).

    Its last module is the linear read-out. At each scale, a strided convolution halves the resolution, and depth − 1
    residual convolutions follow. With `depth` 1, leaky rectifiers and one output it is DCGAN's discriminator (Radford
    et al. 2016, §3). The first halving has `hidden` channels.
    """
    s = scales(shape, hidden)
    layers: list[nn.Module] = []
    for i, (before, after) in enumerate(zip((shape[0], *s.widths), s.widths, strict=False)):
        layers += [norm(before), activation()] if i else []
        layers.append(nn.Conv2d(before, after, 4, 2, 1) if s.halvings else nn.Conv2d(before, after, 3, 1, 1))
        layers += [_Residual(after, activation, norm) for _ in range(depth - 1)]
    read_out = nn.Linear(s.widths[-1] * s.height * s.width, outputs)
    return nn.Sequential(*layers, norm(s.widths[-1]), activation(), nn.Flatten(), read_out)


class ConvolutionalDecoder(nn.Sequential):
    """A network from vectors (…, inputs) to images (…, c, h, w), the mirror of the encoder.

    An affine map makes the smallest scale; at each one depth − 1 residual convolutions are followed by a transposed
    one that doubles the resolution. With `depth` 1 and rectifiers it is the generator of DCGAN (Radford et al. 2016).
    The last doubling has `hidden` channels.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        depth: int,
        shape: tuple[int, ...],
        activation: Layer = nn.SiLU,
        norm: Norm = no_norm,
    ) -> None:
        s = scales(shape, hidden)
        widths = s.widths[::-1]
        smallest = (widths[0], s.height, s.width)
        layers: list[nn.Module] = [nn.Linear(inputs, math.prod(smallest)), nn.Unflatten(1, smallest)]
        for before, after in zip(widths, (*widths[1:], shape[0]), strict=True):
            layers += [_Residual(before, activation, norm) for _ in range(depth - 1)]
            layers += [norm(before), activation()]
            up = nn.ConvTranspose2d(before, after, 4, 2, 1) if s.halvings else nn.Conv2d(before, after, 3, 1, 1)
            layers.append(up)
        super().__init__(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Return the images (…, c, h, w) of vectors z (…, inputs)."""
        pictures: Tensor = super().forward(z.reshape(-1, z.shape[-1]))
        return pictures.reshape(*z.shape[:-1], *pictures.shape[1:])


def dcgan_init(module: nn.Module) -> None:
    """Draw a layer's weights from N(0, 0.02²), and set its bias to 0; for `Module.apply`.

    It is the initialisation of Radford et al. (2016, §4).
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
