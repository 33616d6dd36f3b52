"""Neural spline flow: coupling layers of monotone rational-quadratic splines."""

from __future__ import annotations

from typing import Annotated, ClassVar

from annotated_types import Interval

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, Positive
from genbench.nn.couplings import Affine, Composite, RationalQuadratic, coupling_flow
from genbench.nn.flow_model import FlowModel, base_of

__all__ = ["SplineFlow"]

SPREAD = 0.8  # of the base's means; measured by hand: steadier than 0.95 on a checkerboard, worse on eight Gaussians


@register_model(
    "spline_flow", family="normalizing flow", likelihood="exact", paper="Durkan et al. 2019; Izmailov et al. 2020"
)
class SplineFlow(FlowModel):
    """Neural spline flow: couplings whose maps are monotone rational-quadratic splines.

    As in the paper, a learned linear map is before the couplings. Other than in the paper, the same network gives an
    affine map before each spline, which brings heavy tails inside the spline's bound. In the plane, sines and cosines
    are further inputs of the networks. The base is a mixture of Gaussians.

    Args:
        couplings: number of coupling layers.
        bins: number of bins of a spline, each at least a thousandth of its width.
        bound: half the interval of a spline, which is the identity outside; the data have standard deviation 1.
        hidden, depth: width and number of the hidden layers of a coupling's network.
        frequencies: number of sines and cosines of each coordinate as inputs, at 1, 2, 4, … radians per standard
            deviation.
        components: number of Gaussians of the base (Izmailov et al. 2020); 0 for N(0, I), as in the paper.
    """

    recipe = Recipe(batch_size=256, lr=1e-2, ema=0.99, step_ms=9.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset({"batch_size": 512, "step_ms": 6.6, "frequencies": 3, "components": 30}, kinds=("points",), dims=(1, 7)),
        Preset({"bins": 5, "depth": 2, "lr": 4e-3, "weight_decay": 0.1}, dims=(8, None)),
    )

    at_once = 2000  # the knots of many points in many dimensions fill the memory

    def __init__(
        self,
        couplings: Annotated[Count, Range(2, 8)] = 2,
        bins: Annotated[int, Interval(ge=2, le=500), LogRange(4, 32)] = 12,
        bound: Positive = 5.0,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(1, 4)] = 3,
        frequencies: Natural = 0,
        components: Annotated[Natural, LogRange(1, 64)] = 16,
    ) -> None:
        self.couplings, self.bins, self.bound, self.hidden, self.depth = couplings, bins, bound, hidden, depth
        self.frequencies, self.components = frequencies, components

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.prior = base_of(self.components, d, SPREAD)
        transform = Composite(Affine(), RationalQuadratic(self.bins, self.bound))
        aligned = self.recipe.axes == "independent"
        self.flow = coupling_flow(
            d, self.couplings, transform, self.hidden, self.depth, frequencies=self.frequencies, aligned=aligned
        )
