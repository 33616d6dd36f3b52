"""Maps of grey levels in [0, 1] to the real line, for each value, and noise.

A flow ends in normal noise, which has no bounds and no gaps; images are bounded, and most of their pixels are black.
Each map has `fit`, which reads the training images once, and `forward` and `inverse`, each from images (b, c, h, w) to
images and the log-determinant (b,) of its Jacobian in nats. An image with a value outside [0, 1] has density 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genbench.nn.float64 import widest
from genbench.nn.grey_levels import levels_of

__all__ = ["Gaussianise", "Logit", "dequantise"]

ENDS = 1e-12  # by hand: nearest that F comes to 0 and 1, so that they become ∓7 deviations, not ∓∞
PRIOR_PICTURES = 5.0  # by hand: training images that a channel's levels count for beside those of a pixel itself
BLOCK = 1000  # by hand: images counted at a time


def dequantise(x: Tensor, levels: int) -> Tensor:
    """Return (k + u) / levels with new uniform noise u, for images x of level k = ⌊levels x⌋.

    See Theis et al. (2016).
    """
    return (levels_of(x, levels) + torch.rand_like(x)) / levels


class Logit(nn.Module):
    """y = log s − log(1 − s) with s = α + (1 − 2α) x (Real NVP, 4.1).

    So dy/dx = (1 − 2α) / (s (1 − s)). With α in (0, ½) the ends are finite.
    """

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def fit(self, x: Tensor) -> None:
        """Do nothing: this map does not depend on the images."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        s = self.alpha + (1 - 2 * self.alpha) * x.clamp(0, 1)
        y = s.log() - (1 - s).log()
        return y, _log_det(x, math.log(1 - 2 * self.alpha) - s.log() - (1 - s).log())

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        x = ((y.sigmoid() - self.alpha) / (1 - 2 * self.alpha)).clamp(0, 1)
        return x, -self(x)[1]


class Gaussianise(nn.Module):
    """y = Φ⁻¹(F(x)) with the distribution function F of each pixel.

    So each y alone is standard normal.

    A dequantised value is uniform inside its level k, so that F is exactly linear there, and with the level's share p_k

        dy/dx = F'(x) / φ(y) = levels · p_k / φ(y).

    The shares are those of the training images, plus those of the whole channel with the weight of a few images. It is
    the first half of a step of Gaussianisation (Chen and Gopinath 2000); the flow has to learn only how pixels depend
    on each other.
    """

    ends: Tensor

    def __init__(self, shape: tuple[int, ...], levels: int) -> None:
        super().__init__()
        self.shape, self.levels = shape, levels
        even = torch.linspace(0, 1, levels + 1, dtype=widest(torch.get_default_device()))
        self.register_buffer("ends", even.repeat(math.prod(shape), 1))  # F at both ends of each level, (d, levels + 1)

    def fit(self, x: Tensor) -> None:
        """Count the levels of training images x (n, c, h, w)."""
        d = len(self.ends)
        counts, cell = torch.zeros(d * self.levels, dtype=self.ends.dtype), torch.arange(d) * self.levels
        for part in x.flatten(1).split(BLOCK):
            counts += torch.bincount((cell + levels_of(part, self.levels)).flatten(), minlength=len(counts))
        counts = counts.view(self.shape[0], -1, self.levels)  # (c, h·w, levels)
        channel = counts.sum(dim=1, keepdim=True) + 1
        counts = counts + PRIOR_PICTURES * channel / channel.sum(dim=2, keepdim=True)
        share = (counts / counts.sum(dim=2, keepdim=True)).view(d, self.levels)
        self.ends[:, 1:-1] = share.cumsum(dim=1)[:, :-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        flat = x.flatten(1).to(self.ends).clamp(0, 1)  # float32 has little room near F = 1
        k = levels_of(flat, self.levels)
        low, share = self._at(k)
        end = max(ENDS, torch.finfo(flat.dtype).eps)
        y = torch.special.ndtri((low + share * (self.levels * flat - k)).clamp(end, 1 - end))
        log_normal = -0.5 * (y.square() + math.log(2 * math.pi))
        return y.to(x.dtype).view_as(x), _log_det(x, (self.levels * share).log() - log_normal)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        f = torch.special.ndtr(y.flatten(1).to(self.ends))
        k = (torch.searchsorted(self.ends, f.T.contiguous(), right=True).T - 1).clamp(0, self.levels - 1)
        low, share = self._at(k)
        x = ((k + ((f - low) / share).clamp(0, 1)) / self.levels).to(y.dtype).view_as(y)
        return x, -self(x)[1]

    def _at(self, k: Tensor) -> tuple[Tensor, Tensor]:
        """Return F at the lower end of level k of each pixel (b, d), and the level's share."""
        index = k + torch.arange(len(self.ends)) * (self.levels + 1)
        low, high = self.ends.flatten()[index], self.ends.flatten()[index + 1]
        return low, high - low


def _log_det(x: Tensor, log_slope: Tensor) -> Tensor:
    """Return the sum (b,) of log-slopes (b, …), or −∞ where an image x (b, c, h, w) leaves [0, 1]."""
    outside = ((x < 0) | (x > 1)).flatten(1).any(dim=1)
    return log_slope.flatten(1).sum(dim=1).to(x.dtype).masked_fill(outside, -math.inf)
