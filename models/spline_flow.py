"""Neural spline flow: coupling layers of monotone rational-quadratic splines."""

from __future__ import annotations

from torch import Tensor

from genbench.model import register_model
from genbench.nn.couplings import RationalQuadratic, coupling_flow
from genbench.torch_model import TorchModel
from genbench.training import Recipe

__all__ = ["SplineFlow"]


@register_model("spline_flow", family="normalizing flow", likelihood="exact", paper="Durkan et al. 2019")
class SplineFlow(TorchModel):
    """Neural spline flow: couplings whose maps are monotone rational-quadratic splines.

    Args:
        couplings: Number of coupling layers.
        bins: Bins of a spline.
        bound: Half the interval of the splines, in standard deviations of the data; outside they are the identity.
        hidden: Width of a coupling's network.
        depth: Number of its hidden layers.
    """

    recipe = Recipe(batch_size=512, lr=3e-3, step_ms=5.0)

    def __init__(self, couplings: int = 2, bins: int = 16, bound: float = 5.0, hidden: int = 64, depth: int = 2) -> None:
        for name, value, least in (("couplings", couplings, 1), ("bins", bins, 2), ("hidden", hidden, 1), ("depth", depth, 1)):
            if value < least:
                raise ValueError(f"{name}={value} must be at least {least}")
        if bins > 500:
            raise ValueError(f"bins={bins} must be at most 500, so that each can have its smallest width")
        if not bound > 0:
            raise ValueError(f"bound={bound} must be positive")
        self.couplings, self.bins, self.bound, self.hidden, self.depth = couplings, bins, bound, hidden, depth

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.flow = coupling_flow(d, self.couplings, RationalQuadratic(self.bins, self.bound), self.hidden, self.depth)

    def training_loss(self, x: Tensor) -> Tensor:
        return -self.flow.log_prob(x).mean()

    def sample(self, n: int) -> Tensor:
        return self.flow.sample(n)

    def log_prob(self, x: Tensor) -> Tensor:
        return self.flow.log_prob(x)
