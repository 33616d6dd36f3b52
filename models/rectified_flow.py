"""Rectified flow: flow matching a second time, on the pairs that a first flow connects."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe, planar
from genbench.models.flow_matching import CFM, KINDS, ON_LINES, PRESETS, TO_THE_DATA
from genbench.nn.ode import integrate

__all__ = ["RectifiedFlow"]


@register_model(
    "rectified_flow", family="flow matching", likelihood="exact", paper="Liu et al. 2023", kinds=KINDS, variant=True
)
class RectifiedFlow(CFM):
    """Rectified flow: flow matching again on the pairs that a first flow connects (reflow).

    Paths of the second flow seldom cross and are nearly straight, so that few solver steps suffice (Liu et al. 2023,
    alg. 1). The source point of a data point is found by following the first flow back, a few steps at each training
    step.
    """

    recipe = Recipe(batch_size=256, lr=8e-3, cycles=2, step_ms=5.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        planar(7.0),
        *PRESETS,
        *ON_LINES,
        *TO_THE_DATA,
        # Three times what a step of cfm takes: in the second half it follows the first flow back, by 12 evaluations.
        Preset({"step_ms": 7.5}, kinds=("points", "table", "series"), dims=(8, None)),
        Preset({"step_ms": 12.0}, kinds=("image",)),
        Preset({"step_ms": 750.0}, kinds=("image",), dims=(257, None)),
        Preset({"step_ms": 1000.0}, kinds=("image",), dims=(3073, None)),
    )
    reflow_steps = 6  # by hand: midpoint steps with which the first flow is followed back
    second: Tensor  # whether the second flow is being learned
    repaintable = False  # the second flow's noise belongs to its data

    def build(self, shape: tuple[int, ...]) -> None:
        super().build(shape)
        self.first = self.new_network().requires_grad_(False)
        self.register_buffer("second", torch.tensor(False))

    def training_loss(self, x1: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.training and self.progress >= 0.5 and not self.second:
            self.first.load_state_dict(self.network.state_dict())
            self.second.fill_(True)
        if not self.second:
            return super().training_loss(x1, labels)
        self.follow()
        x1 = x1.flatten(1)
        with torch.no_grad(), self.first.given(labels):
            x0 = self.source_of(x1)
        with self.network.given(labels):
            return self.regression(x0, x1)

    @property
    def flown(self) -> float:
        return 2 * self.progress - 1  # of the second flow

    def source_of(self, x1: Tensor) -> Tensor:
        """Return the source points (b, d) that the first flow connects with x1 (b, d).

        Before the first flow is trained, they are new noise.
        """
        if not self.second:
            return super().source_of(x1)
        return integrate(self.first_velocity, x1, self.grid(self.reflow_steps).flip(0)).x

    def first_velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the velocity (b, d) of the first flow at points (b, d) and times ()."""
        return self.field(x, self.first(x, self.way.clock(t)), t)
