"""Optimizer groups: modules with their own optimiser each.

They clip gradients, set the precision, and check for divergence.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from genbench.contracts.recipe import Recipe
from genbench.core.errors import BadLoss, ContractError, Diverged, GenbenchError
from genbench.training.optimizers import optimiser

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.contracts.torch_model import TorchModel

__all__ = ["OptimizerGroups", "clip", "precision"]


class OptimizerGroups:
    """The modules that learn, each with its optimiser, and their losses.

    The losses are those since the last call of `mean_losses`.
    """

    def __init__(self, model: TorchModel, recipe: Recipe) -> None:
        if callable(getattr(model, "players", None)):
            raise ContractError(f"{type(model).__name__} defines `players`; rename that method to `optimizer_groups`")
        self.model, self.recipe, self.guard, self.step = model, recipe, _Guard(), 0
        self.parameters = {
            name: [p for p in module.parameters() if p.requires_grad]
            for name, module in model.optimizer_groups().items()
        }
        if recipe.accumulate > 1 and len(self.parameters) > 1:
            names = " and ".join(self.parameters)
            raise GenbenchError(
                f"accumulate={recipe.accumulate} is for models of one optimizer group, not {names}; use 1"
            )
        self.optimisers = {name: optimiser(parameters, recipe) for name, parameters in self.parameters.items()}
        self.losses: dict[str, list[float]] = {name: [] for name in self.parameters}
        self.share, self.first, self.last = 1.0, True, True  # share of the batch in the present part
        self.loss = 0.0

    def parts(self, batch: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
        """Yield a batch in the number of parts that the recipe states.

        The gradients of the parts add up to that of the whole.
        """
        whole = len(batch[0])
        parts = list(zip(*(tensor.chunk(self.recipe.accumulate) for tensor in batch), strict=True))
        for i, part in enumerate(parts):
            self.share, self.first, self.last = len(part[0]) / whole, i == 0, i == len(parts) - 1
            yield part

    def update(self, group: str, loss: Tensor) -> None:
        """Add the gradient of a group's loss; after the last part of a batch, step its optimiser.

        Only losses have the recipe's precision; gradients, moments and weights are float32.
        """
        import torch

        if tuple(getattr(loss, "shape", (0,))) not in ((), (1,)):  # (1,) is one number, too
            raise BadLoss(
                f"{group} is {_described(loss)}, and it must be one number: let training_loss return loss.mean(), or "
                "another mean over the batch"
            )
        self.guard.check(group, value := loss.item(), self.step)
        if self.recipe.precision == "float32":
            self._descend(group, loss, value)
            return
        with torch.autocast(loss.device.type, enabled=False):
            self._descend(group, loss, value)
        torch.clear_autocast_cache()  # it holds the weights in low precision as they were before the step

    def _descend(self, group: str, loss: Tensor, value: float) -> None:
        parameters = self.parameters[group]
        if self.first:
            self.loss = 0.0
            for parameter in parameters:
                parameter.grad = None
        self.loss += self.share * value
        (loss if self.share == 1 else self.share * loss).backward(inputs=parameters)
        if not self.last:
            return
        self.losses[group].append(self.loss)
        norm = clip([p.grad for p in parameters if p.grad is not None], self.recipe.clip or math.inf)
        if not math.isfinite(norm):
            raise Diverged(f"the gradient of {group} is {norm} at step {self.step}; try a lower lr or a smaller clip")
        self.optimisers[group].step(self.recipe.rate(group, self.model.progress))

    def mean_losses(self) -> dict[str, float]:
        """Return each group's mean loss since the last call."""
        means = {name: sum(values) / len(values) for name, values in self.losses.items() if values}
        self.losses = {name: [] for name in self.losses}
        return means

    def state(self) -> dict[str, Any]:
        """Return the moments of each optimiser, the losses, and data of the divergence check."""
        moments = {name: mine.state() for name, mine in self.optimisers.items()}
        losses = {name: list(values) for name, values in self.losses.items()}
        return {"moments": moments, "losses": losses, "guard": [dict(self.guard.smooth), dict(self.guard.scale)]}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a state.

        Raises:
            ValueError: a name or shape is not this model's.
        """
        if state["moments"].keys() != self.optimisers.keys():
            raise ValueError(f"optimizer groups {', '.join(state['moments'])} instead of {', '.join(self.optimisers)}")
        for name, mine in self.optimisers.items():
            try:
                mine.restore(state["moments"][name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        self.losses = {name: list(values) for name, values in state["losses"].items()}
        self.guard.smooth, self.guard.scale = map(dict, state["guard"])


class _Guard:
    """Raises `Diverged` where a loss is not finite, or has grown far beyond its first values."""

    def __init__(self) -> None:
        self.smooth: dict[str, float] = {}
        self.scale: dict[str, float] = {}

    def check(self, group: str, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"{group} is {loss} at step {step}; try a lower lr or a smaller clip")
        self.smooth[group] = 0.9 * self.smooth.get(group, loss) + 0.1 * loss
        self.scale.setdefault(group, 1 + abs(loss))
        if step <= 20:
            self.scale[group] = max(self.scale[group], 1 + abs(loss))
        if self.smooth[group] > 1e4 * self.scale[group]:
            raise Diverged(f"{group} exploded to {loss:.3g} at step {step}; try a lower lr or a smaller clip")


def _described(loss: object) -> str:
    """Return what a loss is instead of one number, as an error says it."""
    shape = getattr(loss, "shape", None)
    return f"a {type(loss).__name__}" if shape is None else f"a {type(loss).__name__} of shape {list(shape)}"


def clip(gradients: list[Tensor], most: float) -> float:
    """Scale gradients to the norm `most` if theirs is larger, and return their old norm."""
    import torch

    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()
    if most < norm < math.inf:
        torch._foreach_mul_(gradients, most / norm)
    return norm


def precision(recipe: Recipe) -> Callable[[], Any]:
    """Return a function that opens a context with the recipe's precision for losses."""
    import torch

    if recipe.precision == "float32":
        return contextlib.nullcontext
    return lambda: torch.autocast(torch.get_default_device().type, dtype=torch.bfloat16)
