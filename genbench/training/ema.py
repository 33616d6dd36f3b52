"""Averages of weights during training."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from genbench.training.checkpoint import load_module, numbers, set_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.contracts.torch_model import TorchModel

__all__ = ["Average", "move"]


def move(average: list[Tensor], weights: list[Tensor], decay: float, count: int) -> None:
    """Move an average towards weights, for the `count`-th time.

    The decay rises from 0, so that it suits short training runs too.
    """
    import torch

    with torch.no_grad():
        torch._foreach_lerp_(average, weights, 1 - min(decay, count / (9 + count)))


class Average:
    """A copy of a model whose weights are an exponential moving average of the model's."""

    def __init__(self, model: TorchModel, decay: float) -> None:
        self.module, self.decay, self.count = copy.deepcopy(model), decay, 0
        self.mine: list[Tensor] = list(self.module.parameters())
        self.theirs: list[Tensor] = list(model.parameters())
        self.buffers = (list(self.module.buffers()), list(model.buffers()))

    def update(self) -> None:
        """Move the average towards the model; buffers are copied."""
        self.count += 1
        move(self.mine, self.theirs, self.decay, self.count)
        for mine, theirs in zip(*self.buffers, strict=True):
            mine.copy_(theirs)

    def state(self) -> dict[str, Any]:
        """Return the averaged weights, and the number of steps."""
        return {"weights": self.module.state_dict(), "numbers": numbers(self.module), "count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a state.

        Raises:
            ValueError: a name or shape is not this model's.
        """
        load_module(self.module, state["weights"])
        set_numbers(self.module, state["numbers"])
        self.count = state["count"]
