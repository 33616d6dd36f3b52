"""Generators of points and of images, and the noise from which they start."""

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
    """Maps noise to points: x = z + mlp(z), with z cut or padded to d coordinates.

    At the start it is nearly the identity.
    """

    def __init__(self, d: int, latents: int, components: int, hidden: int, depth: int) -> None:
        super().__init__(latents, components)
        self.d = d
        self.net = mlp(latents, hidden, depth, d)

    def forward(self, component: Tensor) -> Tensor:
        """Return points (n, d) made from new noise for each component (n,)."""
        return self.make(self.noise(component))

    def make(self, z: Tensor) -> Tensor:
        """Return the points (n, d) of noise z (n, latents)."""
        made: Tensor = functional.pad(z, (0, self.d - self.latents)) + self.net(z)
        return made


class PictureGenerator(_MixtureNoise):
    """Maps noise to images in [−1, 1] by DCGAN's transposed convolutions and a tanh.

    See Radford et al. (2016, fig. 1). Instead of batch normalisation, groups of channels are normalised, which is the
    same in training and afterwards. The output of the tanh is a grey level, to which uniform noise of one level is
    added, as in the data.

    Args:
        shape: (c, h, w) of an image.
        hidden: number of channels at half resolution.
        depth: number of convolutions at each scale; 1 is the paper's network.
    """

    def __init__(
        self, shape: tuple[int, ...], levels: int, latents: int, components: int, hidden: int, depth: int
    ) -> None:
        super().__init__(latents, components)
        self.levels = levels
        self.net = ConvolutionalDecoder(latents, hidden, depth, shape, nn.ReLU, group_norm).apply(dcgan_init)

    def forward(self, component: Tensor) -> Tensor:
        """Return images (n, c, h, w) made from new noise for each component (n,)."""
        return self.make(self.noise(component))

    def make(self, z: Tensor) -> Tensor:
        """Return the images (n, c, h, w) of noise z (n, latents), with new noise in a grey level."""
        grey = (self.net(z).tanh() + 1) / 2
        x = ((self.levels - 1) * grey + torch.rand_like(grey)) / self.levels
        return 2 * x - 1
