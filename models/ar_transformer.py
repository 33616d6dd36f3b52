"""Autoregressive transformer: the conditionals of `ar`, from a causal transformer."""

from __future__ import annotations

import math
from typing import Annotated

from torch import nn

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count
from genbench.models.autoregressive import Autoregressive, require_order
from genbench.nn.causal_transformer import CausalTransformer

__all__ = ["ARTransformer"]

PICTURES = {"components": 5, "lr": 1e-3, "clip": 200.0}  # tuned by hand; nats of an image have large gradients


@register_model(
    "ar_transformer",
    family="autoregressive",
    likelihood="exact",
    paper="Vaswani et al. 2017; Bishop 1994",
    kinds=("points", "table", "image", "series"),
    variant=True,
)
class ARTransformer(Autoregressive):
    """Autoregressive transformer: p(x) = Π p(x_i | x_1 … x_{i−1}), a token per coordinate.

    Everything except the network is as in `ar`: for points, the Gaussian that is removed first, the order, and the
    mixtures; for images, the grey levels, pixel by pixel. All coordinates share weights, whereas the masked network has
    separate ones for each. Sampling keeps the keys and values of earlier tokens.

    Args:
        components, order: as for `ar`.
        width: width of a token, a multiple of `heads`.
        depth: number of blocks.
        heads: number of attention heads.

    Raises:
        ValueError: `width` is not a multiple of `heads`, or `order` is not an order of the coordinates.
    """

    recipe = Recipe(batch_size=256, lr=2e-3, ema=0.99, step_ms=15.5)
    presets = (
        Preset({"components": 8, "batch_size": 128, "lr": 1e-3, "step_ms": 20.0}, dims=(5, None)),
        Preset({"step_ms": 45.0}, dims=(17, None)),
        Preset({"step_ms": 90.0}, dims=(33, None)),
        Preset({"step_ms": 140.0}, dims=(65, None)),
        Preset({"components": 4, "width": 32, "lr": 3e-4}, kinds=("table",)),
        Preset(PICTURES | {"lr": 2e-3, "batch_size": 16, "step_ms": 25.0}, kinds=("image",)),
        Preset(PICTURES | {"batch_size": 4, "step_ms": 140.0}, kinds=("image",), dims=(257, 1024)),
        Preset(PICTURES | {"batch_size": 1, "step_ms": 250.0}, kinds=("image",), dims=(1025, None)),
    )

    def __init__(
        self,
        components: Annotated[Count, LogRange(4, 64)] = 16,
        width: Annotated[Count, LogRange(32, 128)] = 64,
        depth: Annotated[Count, Range(1, 4)] = 2,
        heads: Count = 4,
        order: str | list[int] | None = None,
    ) -> None:
        if width % heads:
            raise ValueError(f"width={width} must be a multiple of heads={heads}")
        require_order(order)
        self.components, self.width, self.depth, self.heads, self.order = components, width, depth, heads, order

    def conditioner(self, shape: tuple[int, ...], size: int) -> nn.Module:
        return CausalTransformer(math.prod(shape), self.width, self.depth, self.heads, size)
