"""The error of a denoiser at each noise level, measured during training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ErrorByAngle"]

BINS = 64  # by hand: of the angle of the noise
RATE = 0.002  # by hand: a mean over about the last 500 points of a bin


class ErrorByAngle(nn.Module):
    """E[Var(v | x_φ)] per coordinate by the angle φ: the error of the best prediction of v.

    It is a mean squared error. It is estimated by running means over training points, in equal bins of the angle up to
    `last` radians. They start at 1, because in pure noise v is −x_0, which has variance 1. The error in x_0 is sin² φ
    times as large.
    """

    mean: Tensor

    def __init__(self, last: float) -> None:
        super().__init__()
        self.last = last
        self.register_buffer("mean", torch.ones(BINS))

    @torch.no_grad()
    def update(self, angle: Tensor, error: Tensor) -> None:
        """Update the means with squared errors (b,) at angles (b,)."""
        place = (BINS * angle / self.last).long().clamp(max=BINS - 1)
        count, total = torch.zeros(2, BINS).index_add_(1, place, torch.stack([torch.ones_like(error), error]))
        kept = (1 - RATE) ** count
        self.mean.copy_(kept * self.mean + (1 - kept) * total / count.clamp(min=1))

    def at(self, angle: Tensor) -> Tensor:
        """Return the mean squared error () at an angle (), interpolated between bin centres."""
        place = (BINS * angle / self.last - 0.5).clamp(0, BINS - 1)
        low = place.floor().long()
        return torch.lerp(self.mean[low], self.mean[(low + 1).clamp(max=BINS - 1)], (place - low).to(self.mean))
