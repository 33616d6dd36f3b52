"""The batches of a training run, each epoch in a new order.

If the data have noise, each epoch has new noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batches", "Redraw"]

Redraw = Callable[[int], NDArray[np.floating] | None]  # gives the training points with the noise of an epoch


class Batches:
    """Endless batches of points, and of labels if there are any, each epoch in a new order.

    The last points of an epoch are left out if they are fewer than a batch. From the second epoch on, the points have
    new noise.
    """

    def __init__(self, data: tuple[Tensor, ...], size: int, redraw: Redraw | None = None) -> None:
        self.data, self.size, self.redraw = data, min(size, len(data[0])), redraw
        self.epoch, self.at = -1, len(data[0])
        self.random: Tensor | None = None  # torch's state when the epoch began, from which its order follows

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch."""
        if self.at + self.size > len(self.data[0]):
            self._begin(self.epoch + 1)
        batch = tuple(part[self.at : self.at + self.size] for part in self.shuffled)
        self.at += self.size
        return batch

    def _begin(self, epoch: int) -> None:
        import torch

        self.epoch, self.at, self.random = epoch, 0, torch.get_rng_state()
        points, *labels = self.data
        if epoch and self.redraw and (fresh := self.redraw(epoch)) is not None:
            points = torch.as_tensor(fresh)
        order = torch.randperm(len(points), device="cpu").to(points.device)
        self.shuffled = [part[order] for part in (points, *labels)]

    def state(self) -> dict[str, Any]:
        """Return the position in the epoch, as a state."""
        return {"epoch": self.epoch, "at": self.at, "random": self.random}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume at the position of a state.

        Torch's generator is left in its state after the order of the epoch.
        """
        import torch

        if state["random"] is not None:
            torch.set_rng_state(state["random"])
            self._begin(state["epoch"])
        self.epoch, self.at, self.random = state["epoch"], state["at"], state["random"]
