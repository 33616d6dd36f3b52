"""float64 on devices that have it, and a replacement on those that do not."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["wide", "widest"]

WITHOUT = ("mps", "meta")  # Apple's GPUs; and the device of `genbench.testing.device_audit`, which stands for any


def widest(device: torch.device) -> torch.dtype:
    """Return float64, or float32 if the device has no float64."""
    return torch.float32 if device.type in WITHOUT else torch.float64


def wide(x: Tensor) -> Tensor:
    """Return x in float64: on its own device if that has float64, else on the CPU."""
    return (x.cpu() if x.device.type in WITHOUT else x).double()
