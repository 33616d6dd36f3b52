"""Whitening: the linear map that removes all correlations at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genbench.nn.float64 import wide

__all__ = ["Whitening"]

BLOCK = 1000  # by hand: images at a time


class Whitening(nn.Module):
    """y = Σ^(−1/2) (x − μ), with mean and covariance of training images.

    Of all whitening maps it is the one that changes images least (ZCA; Kessy, Lewin and Strimmer 2018, 3.1): each pixel
    stays in its place, minus what its neighbours predict. A density model of y that is standard normal is the
    full-covariance Gaussian of x. Images are (b, c, h, w), log-determinants (b,) in nats.

    Args:
        shrinkage: Share λ of the average variance in Σ = (1 − λ) S + λ (tr S / d) I; S alone may be singular.
    """

    mean: Tensor
    matrix: Tensor
    log_det: Tensor

    def __init__(self, shape: tuple[int, ...], shrinkage: float) -> None:
        super().__init__()
        d = math.prod(shape)
        self.shrinkage = shrinkage
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("matrix", torch.eye(d))  # Σ^(−1/2), symmetric
        self.register_buffer("log_det", torch.zeros(()))

    def fit(self, x: Tensor) -> None:
        """Compute mean and covariance of images x (n, c, h, w)."""
        flat, d = x.flatten(1), len(self.mean)
        mean, second = wide(torch.zeros(d)), wide(torch.zeros(d, d))
        for part in map(wide, flat.split(BLOCK)):
            mean += part.sum(dim=0) / len(x)
            second += part.T @ part / len(x)
        covariance = second - torch.outer(mean, mean)
        average = covariance.diagonal().mean()
        values, vectors = torch.linalg.eigh((1 - self.shrinkage) * covariance)
        values = values.clamp(min=0) + self.shrinkage * average
        self.mean.copy_(mean)
        self.matrix.copy_((vectors * values.rsqrt()) @ vectors.T)
        self.log_det.copy_(-0.5 * values.log().sum())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = (x.flatten(1) - self.mean.to(x)) @ self.matrix.to(x)
        return y.view_as(x), self.log_det.to(x).expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.linalg.solve(self.matrix.to(y), y.flatten(1), left=False) + self.mean.to(y)
        return x.view_as(y), -self.log_det.to(y).expand(len(y))
