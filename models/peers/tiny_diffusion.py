"""tiny-diffusion, a common reference for diffusion models in the plane.

It has the network and the training.
"""

import torch
from torch import Tensor, nn

from genbench.contracts.constant_rate import ConstantRate
from genbench.contracts.torch_model import TorchModel

__all__ = ["TinyDiffusion"]

FREQUENCIES = 64  # from 1 down to 1e-4, for the time and for each coordinate
SCALE = 25.0  # of the coordinates before that


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        return h + nn.functional.gelu(self.linear(h))


class _NoisePredictor(nn.Module):
    """Three residual GELU layers on sines and cosines of the step t and of each coordinate, each at 64 frequencies."""

    frequency: Tensor

    def __init__(self, d: int, width: int = 128) -> None:
        super().__init__()
        self.register_buffer("frequency", torch.logspace(0, -4, FREQUENCIES))
        first = nn.Linear(2 * FREQUENCIES * (d + 1), width)
        residual = [_Residual(width) for _ in range(3)]
        self.net = nn.Sequential(first, nn.GELU(), *residual, nn.Linear(width, d))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:  # (b, d), () or (b,) -> (b, d)
        z = torch.cat([SCALE * x, t.to(x).expand(len(x))[:, None]], dim=1)
        angle = z[:, :, None] * self.frequency  # (b, d + 1, 64)
        return self.net(torch.cat([angle.sin(), angle.cos()], dim=2).flatten(1))


class TinyDiffusion(TorchModel):
    """A diffusion model without its noise: network, training, and range of the points.

    The range is the largest absolute value of the training points.
    """

    recipe = ConstantRate(batch_size=32, lr=1e-3, weight_decay=0.01, clip=1.0)
    reach: Tensor

    def build(self, shape: tuple[int, ...]) -> None:
        self.network, self.d = _NoisePredictor(shape[0]), shape[0]
        self.register_buffer("reach", torch.tensor(1.0))

    def prepare(self, x: Tensor) -> None:
        self.reach.fill_(x.abs().max())
