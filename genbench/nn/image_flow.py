"""A multi-scale flow on images: squeezing, 1×1 convolutions, couplings, splits.

The convolutions are invertible. Dinh, Sohl-Dickstein and Bengio 2017 ("Density estimation using Real NVP"), Kingma and
Dhariwal 2018 ("Glow"). Every layer has `forward` and `inverse`, each from images (b, c, h, w) to images and the
log-determinant (b,) of its Jacobian in nats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from genbench.core.errors import GenbenchError
from genbench.nn.couplings import Transform
from genbench.nn.mixing import ActNorm, LinearMap

__all__ = ["ImageCoupling", "ImageFlow", "Mixing", "PatchNetwork", "Scale"]


class Mixing(nn.Module):
    """y = W (x·exp(s) + t) at every pixel: actnorm, then the 1×1 convolution W = LUP.

    See Glow, 3.1 and 3.2. Both are computed as one convolution, with the weight W diag(exp s) and the bias W t.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.linear = ActNorm(channels), LinearMap(channels)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Set scale and shift so that each channel of images x (n, c, h, w) is standardised."""
        self.norm.initialise(x.movedim(1, -1).flatten(0, -2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.cat([self.norm.log_scale.exp().diag(), self.norm.shift.unsqueeze(0)])
        columns = self.linear(rows)[0]
        return functional.conv2d(x, _kernel(columns[:-1].T), columns[-1]), self._log_det(x)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        inverse, shrink = self.linear.inverse(torch.eye(y.shape[1]).to(y))[0].T, (-self.norm.log_scale).exp()
        weight, bias = shrink.unsqueeze(1) * inverse, -shrink * self.norm.shift
        return functional.conv2d(y, _kernel(weight), bias), -self._log_det(y)

    def _log_det(self, x: Tensor) -> Tensor:
        """Return h·w·(Σ s + log |det W|) for each image: every pixel is scaled alike (Glow, equation 10)."""
        return (x[0, 0].numel() * (self.norm.log_scale + self.linear.log_diagonal).sum()).expand(len(x))


def _kernel(weight: Tensor) -> Tensor:
    """Return a matrix as the weight of a 1×1 convolution."""
    return weight[:, :, None, None]


class PatchNetwork(nn.Module):
    """At each pixel: a perceptron with two hidden layers on the patch around it.

    Its output is 0 at the start. With a patch of 5×5 it covers the same area as Glow's 3×3, 1×1 and 3×3 convolutions.
    All layers except the first are plain matrix products, which are faster on a processor. `patch` is the odd side of a
    patch.
    """

    def __init__(self, read: int, write: int, hidden: int, patch: int) -> None:
        super().__init__()
        convolution = nn.Conv2d(read, hidden, patch, padding=patch // 2)
        self.first = convolution.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        last = nn.Linear(hidden, write)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.rest = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, write, h, w) for x (b, read, h, w)."""
        return self.rest(self.first(x).movedim(1, -1)).movedim(-1, 1)


class ImageCoupling(nn.Module):
    """Keeps the first half of the channels and transforms the second half.

    The parameters of the transform depend on the first half.
    """

    def __init__(self, channels: int, transform: Transform, hidden: int, patch: int) -> None:
        super().__init__()
        self.read, self.transform = channels // 2, transform
        self.network = PatchNetwork(self.read, transform.size * (channels - self.read), hidden, patch)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        read, x = self._halves(x)
        y, log_slope = self.transform.forward(x, self._parameters_at(read))
        return torch.cat([read, y], dim=1), log_slope.flatten(1).sum(dim=1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        read, y = self._halves(y)
        x, log_slope = self.transform.inverse(y, self._parameters_at(read))
        return torch.cat([read, x], dim=1), log_slope.flatten(1).sum(dim=1)

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the channels that are read and those that are transformed."""
        read, moved = x.split([self.read, x.shape[1] - self.read], dim=1)
        return read, moved

    def _parameters_at(self, read: Tensor) -> Tensor:
        """Return the parameters (size, b, c, h, w) of the other half."""
        return self.network(read).unflatten(1, (self.transform.size, -1)).movedim(1, 0)


class Scale(nn.Module):
    """One scale: squeeze 2×2 pixels into channels, then steps of a mixing and a coupling.

    See Glow, figure 2. It maps images (b, channels, h, w) to (b, 4 channels, h / 2, w / 2).
    """

    def __init__(self, channels: int, steps: int, transform: Transform, hidden: int, patch: int) -> None:
        super().__init__()
        layers = ((Mixing(4 * channels), ImageCoupling(4 * channels, transform, hidden, patch)) for _ in range(steps))
        self.layers = nn.ModuleList(layer for pair in layers for layer in pair)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> Tensor:
        """Initialise each actnorm with its own input for images x (n, c, h, w).

        It returns the output of the scale.
        """
        x = functional.pixel_unshuffle(x, 2)
        for layer in self.layers:
            if isinstance(layer, Mixing):
                layer.initialise(x)
            x, _ = layer(x)
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, log_det = functional.pixel_unshuffle(x, 2), x.new_zeros(len(x))
        for layer in self.layers:
            x, change = layer(x)
            log_det = log_det + change
        return x, log_det

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        log_det = y.new_zeros(len(y))
        for layer in reversed(self.layers):
            y, change = layer.inverse(y)  # type: ignore[operator]
            log_det = log_det + change
        return functional.pixel_shuffle(y, 2), log_det


class ImageFlow(nn.Module):
    """A flow of several scales; after each but the last, half of the channels leave.

    See Real NVP, 3.6. A last coupling transforms the channels that leave, so that they are standard normal given those
    that stay. With an affine coupling, this is Glow's learned prior N(μ(h), σ(h)). The networks of the couplings have
    `hidden` channels.

    Raises:
        GenbenchError: an image (c, h, w) cannot be halved that often.
    """

    def __init__(
        self, shape: tuple[int, ...], scales: int, steps: int, transform: Transform, hidden: int, patch: int
    ) -> None:
        super().__init__()
        channels, height, width = shape
        if height % 2**scales or width % 2**scales:
            raise GenbenchError(
                f"images of {height}×{width} pixels cannot be halved {scales} times; height and width must be "
                f"multiples of {2**scales}: give fewer scales, or pad or crop the images"
            )
        self.scales, self.priors = nn.ModuleList(), nn.ModuleList()
        self.latents: list[tuple[int, ...]] = []
        for i in range(scales):
            self.scales.append(Scale(channels, steps, transform, hidden, patch))
            channels, height, width = 4 * channels, height // 2, width // 2
            if i < scales - 1:
                self.priors.append(ImageCoupling(channels, transform, hidden, patch))
                channels //= 2
            self.latents.append((channels, height, width))

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Initialise each actnorm with its own input for images x (n, c, h, w).

        The priors start as the identity.
        """
        for scale in self.scales:
            x = scale.prepare(x)  # type: ignore[operator]
            x = x[:, : x.shape[1] // 2]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return noise z (b, d) and log |det dz/dx| (b,) in nats."""
        left, log_dets = [], []
        for i, scale in enumerate(self.scales):
            x, change = scale(x)
            log_dets.append(change)
            if i < len(self.priors):
                x, change = self.priors[i](x)
                log_dets.append(change)
                x, leaving = x.chunk(2, dim=1)
                left.append(leaving)
        z = torch.cat([part.flatten(1) for part in [*left, x]], dim=1)
        return z, torch.stack(log_dets).sum(dim=0)

    def inverse(self, z: Tensor) -> Tensor:
        """Return the images (b, c, h, w) of noise z (b, d)."""
        parts = z.split([math.prod(latent) for latent in self.latents], dim=1)
        *left, x = (part.unflatten(1, latent) for part, latent in zip(parts, self.latents, strict=True))
        for i in reversed(range(len(self.scales))):
            if i < len(left):
                x, _ = self.priors[i].inverse(torch.cat([x, left[i]], dim=1))  # type: ignore[operator]
            x, _ = self.scales[i].inverse(x)  # type: ignore[operator]
        return x
