"""The weights that are kept: the average over steps with the lowest validation loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from genbench.contracts.recipe import Recipe
from genbench.core.seeding import torch_generators_kept
from genbench.training.checkpoint import misfits
from genbench.training.optimizer_groups import precision

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.contracts.torch_model import TorchModel

__all__ = ["Best", "few"]

# All chosen by hand.
HELD_OUT = 2000  # points at which the validation loss is computed
LOTS = 8  # parts of them, whose losses give a standard error
CLEARLY = 2.0  # standard errors
LOOKS = 20  # times in a training run that the validation loss is computed
LOOKING = 0.1  # share of a training run's time that all of these may cost together, where points are images


class Best:
    """Keeps the latest weights whose loss on held-out points is not clearly above the lowest.

    A model with several optimizer groups keeps the last weights. If the loss has its own noise, "clearly" means by more
    than two standard errors of the difference, over parts of the points with the same noise: most of such a loss is
    noise, and its lowest mean may be chance. For losses without noise, the weights with the lowest loss are kept.
    """

    def __init__(self, module: TorchModel, held_out: tuple[Tensor, ...], recipe: Recipe, alone: bool) -> None:
        self.module, self.held_out, self.precision = module, held_out, precision(recipe)
        self.size = recipe.batch_size if held_out[0].ndim > 2 else HELD_OUT  # images take memory
        self.alone = alone and len(held_out[0]) > 0
        self.lots = _lots(held_out) if self.alone else []
        self.random: bool | None = None
        self.lowest: list[float] = []  # of each lot
        self.kept: dict[str, Tensor] = {}

    def look(self) -> dict[str, float]:
        """Compute the loss of the present weights; keep them if none is clearly better.

        The noise is always the same.
        """
        import torch

        if not self.alone:
            return {}
        self.module.eval()
        self.module.progress = 1.0
        with torch_generators_kept(), torch.no_grad(), self.precision():
            losses = self._losses()
        self.module.train()
        loss = fmean(losses)
        if math.isfinite(loss):
            if not self.lowest or not clearly_above(losses, self.lowest):
                self.kept = {name: value.clone() for name, value in self.module.state_dict().items()}
            if not self.lowest or loss < fmean(self.lowest):
                self.lowest = losses
        return {"validation": loss}

    def _losses(self) -> list[float]:
        """Return the loss of each lot, or of all points where it has no noise."""
        if self.random is None:
            self.random = self._loss(self.lots[0], 0) != self._loss(self.lots[0], 1)
        if not self.random:
            return [self._loss(self.held_out, 0)]
        return [self._loss(lot, k) for k, lot in enumerate(self.lots)]

    def _loss(self, points: tuple[Tensor, ...], draw: int) -> float:
        """Return the mean loss of points and what goes with them, by one draw of the noise."""
        import torch

        torch.manual_seed(draw)
        parts = zip(*(tensor.split(self.size) for tensor in points), strict=True)
        return sum(len(part[0]) / len(points[0]) * self.module.training_loss(*part).item() for part in parts)

    def weights(self) -> dict[str, Tensor]:
        """Return the kept weights."""
        return self.kept or self.module.state_dict()

    def state(self) -> dict[str, Any]:
        """Return the kept weights, and the losses of the best."""
        return {"random": self.random, "lowest": self.lowest, "kept": self.kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a state.

        Raises:
            ValueError: a name or shape is not this model's.
        """
        if state["kept"] and (wrong := misfits(self.module.state_dict(), state["kept"])):
            raise ValueError("; ".join(wrong))
        self.random, self.lowest, self.kept = state["random"], list(state["lowest"]), dict(state["kept"])


def _lots(held_out: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """Return the held-out points in LOTS parts, HELD_OUT points together; fewer are repeated, except images."""
    import torch

    n = len(held_out[0])
    total = n if held_out[0].ndim > 2 else HELD_OUT
    return [tuple(tensor[i] for tensor in held_out) for i in (torch.arange(total) % n).tensor_split(min(total, LOTS))]


def clearly_above(losses: Sequence[float], lowest: Sequence[float]) -> bool:
    """Whether losses are above others by more than two standard errors.

    The error is that of the mean difference, over the same parts of the points.
    """
    excess = [a - b for a, b in zip(losses, lowest, strict=True)]
    error = stdev(excess) / math.sqrt(len(excess)) if len(excess) > 1 else 0.0
    return fmean(excess) > CLEARLY * error


def few(held_out: tuple[Tensor, ...], trained: int) -> tuple[Tensor, ...]:
    """Return the held-out points by which weights are selected.

    There are fewer images if the model is `trained` on few. A forward pass takes a third of the time of a step with the
    same number of images.
    """
    most = HELD_OUT
    if held_out[0].ndim > 2:
        most = min(most, max(64, round(3 * LOOKING * trained / LOOKS)))
    return tuple(part[:most] for part in held_out)
