"""The network of tiny-diffusion, which diffusion models of points in the plane are usually compared with."""

import torch
from torch import Tensor, nn

__all__ = ["NoisePredictor"]

FREQUENCIES = 64  # from 1 down to 1e-4, for the time and for each coordinate
SCALE = 25.0  # of the coordinates before that


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        return h + nn.functional.gelu(self.linear(h))


class NoisePredictor(nn.Module):
    """Three residual GELU layers on sines and cosines of the step t and of each coordinate, each at 64 frequencies."""

    frequency: Tensor

    def __init__(self, d: int, width: int = 128) -> None:
        super().__init__()
        self.register_buffer("frequency", torch.logspace(0, -4, FREQUENCIES))
        first = nn.Linear(2 * FREQUENCIES * (d + 1), width)
        residual = [_Residual(width) for _ in range(3)]
        self.net = nn.Sequential(first, nn.GELU(), *residual, nn.Linear(width, d))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:  # (b, d), (b,) -> (b, d)
        angle = torch.cat([SCALE * x, t[:, None].float()], dim=1)[:, :, None] * self.frequency  # (b, d + 1, 64)
        noise: Tensor = self.net(torch.cat([angle.sin(), angle.cos()], dim=2).flatten(1))
        return noise
