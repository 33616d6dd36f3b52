"""Networks of a point and a time, selected by name, and their presets."""

from __future__ import annotations

import math
from typing import Any

from genbench.contracts.recipe import Preset
from genbench.core.errors import GenbenchError
from genbench.nn.time_network import TimeNetwork

__all__ = ["PICTURES", "time_network"]

PICTURES = (  # presets (benchmarks/unet.py); an MLP learns 8×8 pixels in a tenth of the time that a U-Net takes
    Preset(
        {"backbone": "mlp", "hidden": 256, "depth": 2, "batch_size": 128, "lr": 4e-3, "ema": 0.99, "step_ms": 5.5},
        kinds=("image",),
    ),
    Preset(
        {"backbone": "unet", "hidden": 32, "depth": 1, "density_steps": 0}
        | {"batch_size": 64, "lr": 2e-3, "ema": 0.999, "step_ms": 250.0},
        kinds=("image",),
        dims=(257, None),
    ),
    Preset({"hidden": 48, "batch_size": 32, "step_ms": 330.0}, kinds=("image",), dims=(3073, None)),
)


def time_network(
    shape: tuple[int, ...],
    hidden: int,
    depth: int,
    classes: int = 0,
    backbone: str | None = None,
    guide: float = 0.0,
    **features: Any,
) -> TimeNetwork:
    """Return the network for points of a shape: an MLP for (d,), a U-Net for images (c, h, w).

    Args:
        hidden: width of an MLP's hidden layers; number of channels of a U-Net at its finest level.
        depth: number of hidden layers of an MLP, or of residual blocks of a U-Net at each level.
        classes: number of labels; 0 for no labels.
        backbone: "unet", or "mlp", also for images; by default the one that suits the shape.
        guide: share of training after which a copy of the network is kept as its guide; 0 for no guide.
        features: options of `TimeMLP`; a U-Net ignores them.

    Raises:
        GenbenchError: a U-Net is asked for data that are not images.
    """
    if (backbone or ("unet" if len(shape) == 3 else "mlp")) == "mlp":
        from genbench.nn.time_embedding import TimeMLP

        network: TimeNetwork = TimeMLP(math.prod(shape), hidden, depth, classes=classes, **features)
    elif len(shape) != 3:
        raise GenbenchError(f"backbone=unet is for images, not for shape {shape}; use mlp")
    else:
        from genbench.nn.unet import UNet

        network = UNet((shape[0], shape[1], shape[2]), hidden, depth, classes)
    if guide:
        network.keep_guide(guide)
    return network
