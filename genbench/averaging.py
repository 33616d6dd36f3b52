"""Which weights a training leaves: the moving average of all steps, at its best on held-out points."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from genbench.checkpoint import load_module, misfits, numbers, set_numbers
from genbench.players import precision
from genbench.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.torch_model import TorchModel

__all__ = ["Average", "Best", "few"]


HELD_OUT = 2000  # points that a look at the validation loss takes
LOOKS = 20  # of a training
LOOKING = 0.1  # share of a training that all looks together may cost, where points are pictures


class Average:
    """A copy of a model whose weights are an exponential moving average of the model's.

    The decay rises from 0, to suit short trainings too. torch's AveragedModel walks the module tree at every step,
    which took a quarter of the step of a small network.
    """

    def __init__(self, model: TorchModel, decay: float) -> None:
        self.module, self.decay, self.count = copy.deepcopy(model), decay, 0
        self.mine: list[Tensor] = list(self.module.parameters())
        self.theirs: list[Tensor] = list(model.parameters())
        self.buffers = (list(self.module.buffers()), list(model.buffers()))

    def update(self) -> None:
        """Move the average towards the model; buffers are copied as they are."""
        import torch

        self.count += 1
        decay = min(self.decay, self.count / (9 + self.count))
        with torch.no_grad():
            torch._foreach_lerp_(self.mine, self.theirs, 1 - decay)
            for mine, theirs in zip(*self.buffers, strict=True):
                mine.copy_(theirs)

    def state(self) -> dict[str, Any]:
        """Return the averaged weights, and over how many steps."""
        return {"weights": self.module.state_dict(), "numbers": numbers(self.module), "count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there; ValueError if a name or shape is not this model's."""
        load_module(self.module, state["weights"])
        set_numbers(self.module, state["numbers"])
        self.count = state["count"]


class Best:
    """Keeps the weights that have the lowest loss on held-out points; the last ones for models of several players."""

    def __init__(self, module: TorchModel, held_out: tuple[Tensor, ...], recipe: Recipe, alone: bool) -> None:
        self.module, self.held_out, self.precision = module, held_out, precision(recipe)
        self.size = recipe.batch_size if held_out[0].ndim > 2 else HELD_OUT  # pictures take memory
        self.alone = alone and len(held_out[0]) > 0
        self.lowest = math.inf
        self.kept: dict[str, Tensor] = {}

    def look(self) -> dict[str, float]:
        """Score the present weights, always with the same noise, and keep a copy if they are the best so far."""
        import torch

        if not self.alone:
            return {}
        self.module.eval()
        self.module.progress = 1.0
        points = self.held_out[0]
        devices = [points.device] if points.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.no_grad(), self.precision():
            torch.manual_seed(0)
            loss = 0.0
            for part in zip(*(tensor.split(self.size) for tensor in self.held_out), strict=True):
                loss += len(part[0]) / len(points) * self.module.training_loss(*part).item()
        self.module.train()
        if loss < self.lowest:
            self.lowest = loss
            self.kept = {name: value.clone() for name, value in self.module.state_dict().items()}
        return {"validation": loss}

    def weights(self) -> dict[str, Tensor]:
        """Return the kept weights."""
        return self.kept or self.module.state_dict()

    def state(self) -> dict[str, Any]:
        """Return the kept weights and their loss."""
        return {"lowest": self.lowest, "kept": self.kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there; ValueError if a name or shape is not this model's."""
        if state["kept"] and (wrong := misfits(self.module.state_dict(), state["kept"])):
            raise ValueError("; ".join(wrong))
        self.lowest, self.kept = state["lowest"], dict(state["kept"])


def few(held_out: tuple[Tensor, ...], trained: int) -> tuple[Tensor, ...]:
    """Return the held-out points that the looks take; of pictures no more than a training on `trained` can bear.

    A look costs a third of a step on as many pictures.
    """
    most = HELD_OUT
    if held_out[0].ndim > 2:
        most = min(most, max(64, round(3 * LOOKING * trained / LOOKS)))
    return tuple(part[:most] for part in held_out)
