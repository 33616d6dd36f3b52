"""The trainer: optimiser, schedule, averaging, clipping, progress, divergence guard, history."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genbench.errors import Diverged
from genbench.recipe import Budget, Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.dataset import Array
    from genbench.torch_model import TorchModel

__all__ = ["History", "Snapshots", "train"]

ROWS, LOOKS = 200, 20  # rows of the history, and how many of them look at the validation loss


@dataclass
class History:
    """What happened in training: about 200 `rows` with the step and the mean of each loss since the row before."""

    rows: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0


@dataclass
class Snapshots:
    """Looks at the averaged model when given shares of a training are done; the training goes on undisturbed.

    Attributes:
        shares: shares of the training, in (0, 1].
        take: called with the model, the share that is done, the steps, and the seconds of training without this.
    """

    shares: Sequence[float]
    take: Callable[[Any, float, int, float], None]

    def __post_init__(self) -> None:
        self._due = sorted(self.shares)

    def look(self, module: TorchModel, share: float, steps: int, begin: float) -> float:
        """Take a snapshot where one is due, and return when the training would have begun without it."""
        if not self._due or share < self._due[0]:
            return begin
        self._due = [due for due in self._due if due > share]
        stop = time.perf_counter()
        module.eval()
        module.progress = 1.0
        self.take(module, share, steps, stop - begin)
        module.train()
        return begin + time.perf_counter() - stop


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


def train(
    model: TorchModel,
    x: Array,
    validation: Array,
    budget: Budget,
    recipe: Recipe | None = None,
    progress: bool = False,
    snapshots: Snapshots | None = None,
) -> History:
    """Build a model for the shape of x [n, *shape] and train it, by its own recipe unless another is given.

    The averaged weights that had the best loss on the validation points stay in it.

    Raises:
        Diverged: a loss or a gradient is not finite, or a loss explodes.
    """
    import torch
    from tqdm.auto import tqdm

    recipe = recipe or model.recipe
    points, held_out = (torch.tensor(a, dtype=torch.float32) for a in (x, validation))
    model.build(tuple(points.shape[1:]))
    model.prepare(points)
    players = _Players(model, recipe)
    average = _Average(model, recipe.ema)
    best = _Best(average.module, held_out, alone=len(players.optimisers) == 1)
    steps, history = budget.steps(recipe), History()
    begin, row_at, look_at = time.perf_counter(), 0.0, 0.0
    model.train()
    bar = tqdm(total=steps, desc="training", unit="step", disable=not progress, leave=False)
    for batch in _batches(points, recipe.batch_size):
        model.progress = history.steps / steps if steps else (time.perf_counter() - begin) / (budget.seconds or 1)
        if snapshots:
            begin = snapshots.look(average.module, min(1.0, model.progress), history.steps, begin)
        if model.progress >= 1:
            break
        history.steps += 1
        players.step = history.steps
        model.training_step(batch, players.update)
        average.update()
        bar.update()
        last = history.steps == steps
        if model.progress >= row_at or last:
            row_at = model.progress + 1 / ROWS
            row = {"step": history.steps, **players.mean_losses()}
            if model.progress >= look_at or last:
                look_at = model.progress + 1 / LOOKS
                row |= best.look()
            history.rows.append(row)
            bar.set_postfix({name: f"{value:.3g}" for name, value in row.items() if name != "step"})
    bar.close()
    model.progress = 1.0
    model.load_state_dict(best.weights())
    model.eval()
    return history


class _Players:
    """The modules that learn, each with its optimiser, and the losses since they were last asked for."""

    def __init__(self, model: TorchModel, recipe: Recipe) -> None:
        from torch.optim import AdamW

        self.model, self.recipe, self.guard, self.step = model, recipe, _Guard(), 0
        self.parameters = {
            name: [p for p in module.parameters() if p.requires_grad] for name, module in model.players().items()
        }
        betas, decay = (recipe.beta1, recipe.beta2), recipe.weight_decay
        self.optimisers = {
            name: AdamW(parameters, lr=1e-3, betas=betas, weight_decay=decay, fused=True)
            for name, parameters in self.parameters.items()
        }
        self.losses: dict[str, list[float]] = {name: [] for name in self.parameters}

    def update(self, player: str, loss: Tensor) -> None:
        """Descend one player's loss by one step of its optimiser."""
        self.guard.check(player, value := loss.item(), self.step)
        self.losses[player].append(value)
        optimiser, parameters = self.optimisers[player], self.parameters[player]
        for group in optimiser.param_groups:
            group["lr"] = self.recipe.rate(player, self.model.progress)
        for parameter in parameters:
            parameter.grad = None
        loss.backward(inputs=parameters)
        norm = _clip([p.grad for p in parameters if p.grad is not None], self.recipe.clip or math.inf)
        if not math.isfinite(norm):
            raise Diverged(f"the gradient of {player} is {norm} at step {self.step}; try a lower lr or a smaller clip")
        optimiser.step()

    def mean_losses(self) -> dict[str, float]:
        """Return each player's mean loss since the last call."""
        means = {name: sum(values) / len(values) for name, values in self.losses.items() if values}
        self.losses = {name: [] for name in self.losses}
        return means


def _clip(gradients: list[Tensor], most: float) -> float:
    """Scale gradients to a norm of `most` if theirs is larger, and return what it was.

    torch's clip_grad_norm_ multiplies always, and took a tenth of the step of a small network.
    """
    import torch

    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()
    if most < norm < math.inf:
        torch._foreach_mul_(gradients, most / norm)
    return norm


def _batches(x: Tensor, size: int) -> Iterator[Tensor]:
    """Yield batches for ever, each epoch in a new order; a rest smaller than a batch is left out of its epoch."""
    import torch

    size = min(size, len(x))
    while True:
        shuffled = x[torch.randperm(len(x))]
        for start in range(0, len(x) - size + 1, size):
            yield shuffled[start : start + size]


class _Average:
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


class _Best:
    """Keeps the weights that have the lowest loss on held-out points; the last ones for models of several players."""

    def __init__(self, module: TorchModel, validation: Tensor, alone: bool) -> None:
        self.module, self.points = module, validation[:2000]
        self.alone = alone and len(validation) > 0
        self.lowest = math.inf
        self.kept: dict[str, Tensor] = {}

    def look(self) -> dict[str, float]:
        """Score the present weights, always with the same noise, and keep a copy if they are the best so far."""
        import torch

        if not self.alone:
            return {}
        self.module.eval()
        self.module.progress = 1.0
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            loss = self.module.training_loss(self.points).item()
        self.module.train()
        if loss < self.lowest:
            self.lowest = loss
            self.kept = {name: value.clone() for name, value in self.module.state_dict().items()}
        return {"validation": loss}

    def weights(self) -> dict[str, Tensor]:
        """Return the kept weights."""
        return self.kept or self.module.state_dict()
