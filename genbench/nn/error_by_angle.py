"""How wrong a denoiser is at each noise level, as its training finds it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ErrorByAngle"]

BINS = 64  # by hand: of the angle of the noise
RATE = 0.002  # by hand: a mean over about the last 500 points of a bin


class ErrorByAngle(nn.Module):
    """E[Var(v | x_φ)] of a coordinate by the angle φ: the mean squared error that the best prediction of v leaves.

    Running means over training points in even bins of the angle, up to `last` radians, which begin at 1: in pure noise
    v is −x_0, of variance 1. In x_0 it is an error of sin² φ times as much.
    """

    mean: Tensor

    def __init__(self, last: float) -> None:
        super().__init__()
        self.last = last
        self.register_buffer("mean", torch.ones(BINS))

    @torch.no_grad()
    def update(self, angle: Tensor, error: Tensor) -> None:
        """Move the means towards squared errors (b,) at angles (b,)."""
        place = (BINS * angle / self.last).long().clamp(max=BINS - 1)
        count, total = torch.zeros(2, BINS).index_add_(1, place, torch.stack([torch.ones_like(error), error]))
        kept = (1 - RATE) ** count
        self.mean.copy_(kept * self.mean + (1 - kept) * total / count.clamp(min=1))

    def at(self, angle: Tensor) -> Tensor:
        """Return the mean squared error () at an angle (), on lines between the middles of the bins."""
        place = (BINS * angle / self.last - 0.5).clamp(0, BINS - 1)
        low = place.floor().long()
        return torch.lerp(self.mean[low], self.mean[(low + 1).clamp(max=BINS - 1)], (place - low).to(self.mean))
