"""The modules that learn: their optimisers, clipping, precision, and the guard against divergence."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from genbench.contracts.recipe import Recipe
from genbench.core.errors import Diverged, GenbenchError
from genbench.training.optimizers import optimiser

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.contracts.torch_model import TorchModel

__all__ = ["Players", "clip", "precision"]


class Players:
    """The modules that learn, each with its optimiser, and the losses since they were last asked for."""

    def __init__(self, model: TorchModel, recipe: Recipe) -> None:
        self.model, self.recipe, self.guard, self.step = model, recipe, _Guard(), 0
        self.parameters = {
            name: [p for p in module.parameters() if p.requires_grad] for name, module in model.players().items()
        }
        if recipe.accumulate > 1 and len(self.parameters) > 1:
            players = " and ".join(self.parameters)
            raise GenbenchError(f"accumulate={recipe.accumulate} is for models of one player, not {players}; use 1")
        self.optimisers = {name: optimiser(parameters, recipe) for name, parameters in self.parameters.items()}
        self.losses: dict[str, list[float]] = {name: [] for name in self.parameters}
        self.share, self.first, self.last = 1.0, True, True  # of the batch: the part at hand
        self.loss = 0.0

    def parts(self, batch: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
        """Yield a batch in as many parts as the recipe says, whose gradients add up to that of the whole."""
        whole = len(batch[0])
        parts = list(zip(*(tensor.chunk(self.recipe.accumulate) for tensor in batch), strict=True))
        for i, part in enumerate(parts):
            self.share, self.first, self.last = len(part[0]) / whole, i == 0, i == len(parts) - 1
            yield part

    def update(self, player: str, loss: Tensor) -> None:
        """Descend one player's loss by one step of its optimiser, which comes after the last part of a batch."""
        import torch

        self.guard.check(player, value := loss.item(), self.step)
        parameters = self.parameters[player]
        if self.first:
            self.loss = 0.0
            for parameter in parameters:
                parameter.grad = None
        self.loss += self.share * value
        with (
            torch.autocast(loss.device.type, enabled=False)
            if self.recipe.precision != "float32"
            else contextlib.nullcontext()
        ):
            (loss if self.share == 1 else self.share * loss).backward(inputs=parameters)
        if not self.last:
            return
        self.losses[player].append(self.loss)
        norm = clip([p.grad for p in parameters if p.grad is not None], self.recipe.clip or math.inf)
        if not math.isfinite(norm):
            raise Diverged(f"the gradient of {player} is {norm} at step {self.step}; try a lower lr or a smaller clip")
        self.optimisers[player].step(self.recipe.rate(player, self.model.progress))

    def mean_losses(self) -> dict[str, float]:
        """Return each player's mean loss since the last call."""
        means = {name: sum(values) / len(values) for name, values in self.losses.items() if values}
        self.losses = {name: [] for name in self.losses}
        return means

    def state(self) -> dict[str, Any]:
        """Return the moments of each optimiser, the losses and the guard's memory."""
        moments = {name: mine.state() for name, mine in self.optimisers.items()}
        losses = {name: list(values) for name, values in self.losses.items()}
        return {"moments": moments, "losses": losses, "guard": [dict(self.guard.smooth), dict(self.guard.scale)]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there; ValueError if a name or shape is not this model's."""
        if state["moments"].keys() != self.optimisers.keys():
            raise ValueError(f"players {', '.join(state['moments'])} instead of {', '.join(self.optimisers)}")
        for name, mine in self.optimisers.items():
            try:
                mine.restore(state["moments"][name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        self.losses = {name: list(values) for name, values in state["losses"].items()}
        self.guard.smooth, self.guard.scale = map(dict, state["guard"])


class _Guard:
    """Ends a training whose loss is not finite, or has left the range of its first steps by far."""

    def __init__(self) -> None:
        self.smooth: dict[str, float] = {}
        self.scale: dict[str, float] = {}

    def check(self, player: str, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"{player} is {loss} at step {step}; try a lower lr or a smaller clip")
        self.smooth[player] = 0.9 * self.smooth.get(player, loss) + 0.1 * loss
        self.scale.setdefault(player, 1 + abs(loss))
        if step <= 20:
            self.scale[player] = max(self.scale[player], 1 + abs(loss))
        if self.smooth[player] > 1e4 * self.scale[player]:
            raise Diverged(f"{player} exploded to {loss:.3g} at step {step}; try a lower lr or a smaller clip")


def clip(gradients: list[Tensor], most: float) -> float:
    """Scale gradients to a norm of `most` if theirs is larger, and return what it was.

    torch's clip_grad_norm_ multiplies always, and took a tenth of the step of a small network.
    """
    import torch

    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()
    if most < norm < math.inf:
        torch._foreach_mul_(gradients, most / norm)
    return norm


def precision(recipe: Recipe) -> Callable[[], Any]:
    """Return what opens a context in which losses are computed with the recipe's precision."""
    import torch

    if recipe.precision == "float32":
        return contextlib.nullcontext
    return lambda: torch.autocast(torch.get_default_device().type, dtype=torch.bfloat16)
