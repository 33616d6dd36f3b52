"""Autoregressive transformer: the mixture conditionals of `ar`, from a causal transformer over the coordinates."""

from __future__ import annotations

from torch import nn

from genbench.model import register_model
from genbench.models.autoregressive import Autoregressive, require_order, require_sizes
from genbench.nn.causal_transformer import CausalTransformer
from genbench.recipe import Preset, Recipe

__all__ = ["ARTransformer"]


@register_model(
    "ar_transformer",
    family="autoregressive",
    likelihood="exact",
    paper="Vaswani et al. 2017; Bishop 1994",
    variant=True,
)
class ARTransformer(Autoregressive):
    """Autoregressive transformer: p(x) = Π p(x_i | x_1 … x_{i−1}), a token a coordinate, each factor a mixture.

    All but the network is as in `ar`: the Gaussian taken out first, the order, the mixtures. Weights are shared between
    coordinates, where the masked network has a set for each. Sampling keeps keys and values of the tokens so far.

    Args:
        components: Gaussians of a conditional.
        width: Width of a token, a multiple of `heads`.
        depth: Number of blocks.
        heads: Number of attention heads.
        order: Order of the coordinates: None as they come, "reversed", "random" (by the seed), or a list of indices.

    Raises:
        ValueError: A size is less than 1, `width` is no multiple of `heads`, or `order` is no order of the coordinates.
    """

    recipe = Recipe(batch_size=256, lr=2e-3, ema=0.99, step_ms=15.5)
    presets = (
        Preset({"components": 8, "batch_size": 128, "lr": 1e-3, "step_ms": 30.0}, dims=(5, None)),
        Preset({"step_ms": 140.0}, dims=(25, None)),
        Preset({"components": 4, "width": 32, "lr": 3e-4}, kinds=("table",)),
    )

    def __init__(
        self,
        components: int = 16,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        order: str | list[int] | None = None,
    ) -> None:
        require_sizes(components=components, width=width, depth=depth, heads=heads)
        if width % heads:
            raise ValueError(f"width={width} must be a multiple of heads={heads}")
        require_order(order)
        self.components, self.width, self.depth, self.heads, self.order = components, width, depth, heads, order

    def conditioner(self, size: int) -> nn.Module:
        return CausalTransformer(self.d, self.width, self.depth, self.heads, size)
