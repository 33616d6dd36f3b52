"""Filling of gaps by a diffusion or a flow that was trained without gaps: RePaint.

See Lugmayr et al. (2022, algorithm 1). At each step from noise to data, the known coordinates are replaced by the true
ones, with the noise of that step. This alone hardly uses how known and unknown coordinates depend on each other. So
each step is repeated several times with new noise: a Gibbs sampler at every noise level, whose bias falls with the
numbers of repetitions and of steps.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

__all__ = ["Level", "Repaintable", "repaint"]

STEPS, REPEATS = 60, 8  # by hand, bias against time: steps from noise to data, and how often each is taken


class Level(NamedTuple):
    """A noise level: its time t, and α and β of x_t = α x + β ε; each is ().

    x are data, and ε is standard normal.
    """

    t: Tensor
    alpha: Tensor
    beta: Tensor


class Repaintable(Protocol):
    """A model whose noised data are α x + β ε at every level, with ε independent of x.

    Then `repaintable` is true.
    """

    repaintable: bool

    def noise_grid(self, steps: int) -> list[Level]:
        """Return `steps` + 1 levels from noise to data, where α = 1 and β = 0."""

    def ends(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return E[data | x_t] and E[ε | x_t], (b, d) each, for x_t (b, d) at time t ()."""


def repaint(model: Repaintable, x: Tensor, known: Tensor, steps: int = STEPS, repeats: int = REPEATS) -> Tensor:
    """Return points (b, d) that agree with x (b, d) in what is known, with draws of the rest.

    `known` is a mask (d,) of coordinates, or an orthogonal projection (d, d). Each of the `steps` from noise to data is
    done `repeats` times; once is replacement alone.
    """
    levels = model.noise_grid(steps)
    z = levels[0].beta * torch.randn_like(x)
    for high, low in pairwise(levels):
        for again in reversed(range(repeats)):
            z = _denoised(model, z, high, low)
            z = _put(low.alpha * x + low.beta * torch.randn_like(x), known, z)
            if again and low.beta > 0:
                z = _noised(z, low, high)
            elif again:
                break  # at the data a repetition would begin where this one did
    return z


def _put(x: Tensor, known: Tensor, z: Tensor) -> Tensor:
    """Return z (b, d) with what is known of x (b, d) in its place."""
    return torch.where(known, x, z) if known.ndim == 1 else z + (x - z) @ known.T.to(z)


def _denoised(model: Repaintable, z: Tensor, high: Level, low: Level) -> Tensor:
    """Draw from q(x_low | x_high, x̂), with the expected data x̂ in the place of the data (Ho et al. 2020, eq. 6–7)."""
    data, noise = model.ends(z, high.t)
    ratio = high.alpha / low.alpha
    fresh = (high.beta**2 - (ratio * low.beta) ** 2).clamp(min=0)  # variance that is added from low to high
    variance = low.beta**2 * fresh / high.beta**2
    kept = (low.beta**2 - variance).clamp(min=0).sqrt()
    return low.alpha * data + kept * noise + variance.sqrt() * torch.randn_like(z)


def _noised(z: Tensor, low: Level, high: Level) -> Tensor:
    """Draw from q(x_high | x_low): the noise that lies between two levels."""
    ratio = high.alpha / low.alpha
    return ratio * z + (high.beta**2 - (ratio * low.beta) ** 2).clamp(min=0).sqrt() * torch.randn_like(z)
