"""Discriminators of points and of images, and the penalties on their gradients."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from genbench.nn.convolutional import convolutional_encoder, dcgan_init

__all__ = ["Discriminator", "PictureDiscriminator", "gradient_penalty", "slope_penalty"]


class Discriminator(nn.Module):
    """A score of points, from their coordinates and from sines and cosines of these.

    The frequencies are 1, 2, 4, … radians per unit. With these, a small network learns details that are much finer than
    the width of the data (Tancik et al. 2020). Leaky rectifiers have no second derivative, so that the second backward
    pass of the penalties is cheaper.
    """

    frequency: Tensor

    def __init__(self, d: int, hidden: int, depth: int, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("frequency", 2.0 ** torch.arange(frequencies))
        widths = [d * (1 + 2 * frequencies)] + [hidden] * depth
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (b,) of points x (b, d)."""
        angle = (x.unsqueeze(-1) * self.frequency).flatten(1)  # (b, d · frequencies)
        score: Tensor = self.net(torch.cat([x, angle.sin(), angle.cos()], dim=1))
        return score.squeeze(1)


class PictureDiscriminator(nn.Module):
    """A score of images: DCGAN's strided convolutions with leaky rectifiers.

    See Radford et al. (2016, §3). There is no batch normalisation, because with it the gradient at one image would
    depend on the others.

    Args:
        shape: (c, h, w) of an image, or of a pack of them.
        hidden: number of channels at half resolution.
        depth: number of convolutions at each scale; 1 is the paper's network.
    """

    def __init__(self, shape: tuple[int, ...], hidden: int, depth: int) -> None:
        super().__init__()
        net = convolutional_encoder(shape, hidden, depth, 1, lambda: nn.LeakyReLU(0.2))
        self.net = net.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (b,) of images x (b, c, h, w)."""
        score: Tensor = self.net(x)
        return score.squeeze(1)


def slope_penalty(score: Tensor, x: Tensor) -> Tensor:
    """Return ½ E ‖∇D‖² over real points plus the same over generated ones, R₁ + R₂.

    See Mescheder et al. (2018, eqs. 9 and 10). The scores are D(x) (2b,); x (2b, *shape) are equally many real and
    generated points with `requires_grad`, so that the mean over both is half of the sum.
    """
    return _gradient(score, x).flatten(1).square().sum(dim=1).mean()


def gradient_penalty(discriminator: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """Return E (‖∇D(x̂)‖ − 1)² at points x̂ drawn uniformly between pairs of points.

    See Gulrajani et al. (2017, eq. 3). Real and generated points are (b, *shape); the scores of the discriminator are
    (b,).
    """
    share = torch.rand(len(real), *[1] * (real.ndim - 1))  # one a point
    between = torch.lerp(real, made, share).requires_grad_()
    return (_gradient(discriminator(between), between).flatten(1).norm(dim=1) - 1).square().mean()


def _gradient(score: Tensor, x: Tensor) -> Tensor:
    """Return ∇D at each point (b, *shape), which can be differentiated again."""
    (gradient,) = torch.autograd.grad(score.sum(), x, create_graph=True)
    return gradient
