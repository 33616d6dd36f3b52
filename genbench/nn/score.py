"""The gradient of a density that torch can differentiate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["gradient"]


def gradient(log_prob: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return ∇ log p(x) (b, *shape) at points x (b, *shape), also under `no_grad`.

    `log_prob` returns log p (b,).
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(log_prob(x).sum(), x)
    return slope
