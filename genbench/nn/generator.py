"""Generators of points and of images, and the noise that they begin with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.nn.convolutional import ConvolutionalDecoder, dcgan_init, group_norm
from genbench.nn.mlp import mlp

__all__ = ["Generator", "PictureGenerator"]


class _MixtureNoise(nn.Module):
    """Noise (n, latents) drawn from an equal mixture of K Gaussians, whose means and scales are learnt.

    A continuous map of one Gaussian has to tear it for data of separate parts, and leaves bridges; the components can
    part (DeLiGAN: Gurumurthy et al. 2017). At the start they tile the normal distribution; K = 1 is the usual noise.
    """

    def __init__(self, latents: int, components: int) -> None:
        super().__init__()
        self.latents, self.components = latents, components
        tile = -math.log(components) / latents
        self.mean = nn.Parameter(torch.randn(components, latents) * (components > 1))
        self.log_scale = nn.Parameter(torch.full((components, latents), tile))

    def noise(self, component: Tensor) -> Tensor:
        """Return fresh noise (n, latents) of each component (n,), an integer below K."""
        noise = torch.randn(len(component), self.latents)
        return self.mean[component] + self.log_scale[component].exp() * noise

    def stratified(self, n: int) -> Tensor:
        """Return n components (n,), each as often as the others or once more, in random order."""
        rounds = [torch.randperm(self.components) for _ in range(-(-n // self.components))]
        return torch.cat(rounds)[:n]


class Generator(_MixtureNoise):
    """Maps noise to points, near the identity at the start: x = z + mlp(z), with z cut or padded to d coordinates."""

    def __init__(self, d: int, latents: int, components: int, hidden: int, depth: int) -> None:
        super().__init__(latents, components)
        self.d = d
        self.net = mlp(latents, hidden, depth, d)

    def forward(self, component: Tensor) -> Tensor:
        """Return a point (n, d) made from fresh noise of each component (n,)."""
        return self.make(self.noise(component))

    def make(self, z: Tensor) -> Tensor:
        """Return the point (n, d) of noise z (n, latents)."""
        made: Tensor = functional.pad(z, (0, self.d - self.latents)) + self.net(z)
        return made


class PictureGenerator(_MixtureNoise):
    """Maps noise to images in [−1, 1], DCGAN's way: transposed convolutions and a tanh (Radford et al. 2016, fig. 1).

    Instead of its batch normalisation there is one of groups of channels, which is the same in training and after. What
    the tanh puts out is a grey level, to which uniform noise of one level is added, as the data have it.

    Args:
        shape: (c, h, w) of an image.
        hidden: channels at half resolution.
        depth: convolutions a scale; 1 is the paper's network.
    """

    def __init__(
        self, shape: tuple[int, ...], levels: int, latents: int, components: int, hidden: int, depth: int
    ) -> None:
        super().__init__(latents, components)
        self.levels = levels
        self.net = ConvolutionalDecoder(latents, hidden, depth, shape, nn.ReLU, group_norm).apply(dcgan_init)

    def forward(self, component: Tensor) -> Tensor:
        """Return an image (n, c, h, w) made from fresh noise of each component (n,)."""
        return self.make(self.noise(component))

    def make(self, z: Tensor) -> Tensor:
        """Return the image (n, c, h, w) of noise z (n, latents), with fresh noise within a grey level."""
        grey = (self.net(z).tanh() + 1) / 2
        x = ((self.levels - 1) * grey + torch.rand_like(grey)) / self.levels
        return 2 * x - 1
