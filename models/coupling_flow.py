"""Flows of affine (Real NVP) or additive (NICE) couplings, with Glow's linear maps.

Their base is a mixture of Gaussians.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe
from genbench.core.search_ranges import LogRange, Range
from genbench.core.types import Count, Natural, Positive
from genbench.nn.couplings import Additive, Affine, Transform, coupling_flow
from genbench.nn.flow_model import FlowModel, base_of

__all__ = ["CouplingFlow"]

SPREAD = 0.95  # of the base's means; measured by hand on two moons: better than 0.8 after 200 steps


@register_model(
    "coupling_flow",
    family="normalizing flow",
    likelihood="exact",
    paper="Dinh et al. 2017; Kingma and Dhariwal 2018; Izmailov et al. 2020",
)
class CouplingFlow(FlowModel):
    """Real NVP, NICE or Glow: many couplings with small networks, and mixing maps.

    In one dimension, a coupling has no other coordinate as input, and the flow is affine. Its base is a mixture of
    Gaussians that is learned with the couplings (Izmailov et al. 2020).

    Args:
        couplings: number of coupling layers.
        transform: "affine" (Real NVP) or "additive" (NICE: volume is preserved, except by a last scaling of each
            coordinate).
        mixing: the map before each pair of couplings: "linear", Glow's learned invertible map; "permutation", random
            and fixed; "rotation", learned and orthogonal.
        actnorm: whether Glow's normalisation, initialised by the training points, is before each coupling.
        hidden, depth: width and number of the hidden layers of a coupling's network.
        clamp: largest absolute log-scale of an affine coupling, approached softly.
        frequencies: number of sines and cosines of each coordinate as inputs, at 1, 2, 4, … radians per standard
            deviation.
        components: number of Gaussians of the base; 0 for N(0, I), as in Real NVP.
    """

    recipe = Recipe(batch_size=512, lr=8e-3, ema=0.995, step_ms=25.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        Preset({"couplings": 8, "components": 30, "frequencies": 4, "step_ms": 11.0}, kinds=("points",), dims=(1, 7)),
        Preset(
            {"couplings": 12, "hidden": 128, "mixing": "linear", "clamp": 1.0, "frequencies": 0}
            | {"batch_size": 256, "lr": 3e-3, "step_ms": 15.0},
            dims=(8, None),
        ),
        Preset({"batch_size": 256, "lr": 3e-3}, kinds=("table",)),
    )

    def __init__(
        self,
        couplings: Annotated[Count, Range(4, 24)] = 16,
        transform: Literal["affine", "additive"] = "affine",
        mixing: Literal["linear", "permutation", "rotation"] = "rotation",
        actnorm: bool = False,
        hidden: Annotated[Count, LogRange(16, 256)] = 64,
        depth: Annotated[Count, Range(1, 4)] = 2,
        clamp: Positive = 0.5,
        frequencies: Annotated[Natural, Range(0, 6)] = 3,
        components: Annotated[Natural, LogRange(1, 64)] = 16,
    ) -> None:
        self.couplings, self.transform, self.mixing, self.actnorm = couplings, transform, mixing, actnorm
        self.hidden, self.depth, self.clamp, self.frequencies = hidden, depth, clamp, frequencies
        self.components = components

    def build(self, shape: tuple[int, ...]) -> None:
        (d,) = shape
        self.prior = base_of(self.components, d, SPREAD)
        kind: Transform = Affine(self.clamp) if self.transform == "affine" else Additive()
        aligned = self.recipe.axes == "independent"
        self.flow = coupling_flow(
            d, self.couplings, kind, self.hidden, self.depth, self.mixing, self.actnorm, self.frequencies, aligned
        )
