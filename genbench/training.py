"""The trainer: optimiser, schedule, averaging, clipping, budget, progress, divergence guard, history."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from genbench.errors import Diverged, GenbenchError, nearest

if TYPE_CHECKING:
    from torch import Tensor

    from genbench.torch_model import TorchModel

__all__ = ["Budget", "History", "Recipe", "train"]

ROWS, LOOKS = 200, 20  # rows of the history, and how many of them look at the validation loss
NOMINAL_SECONDS = {"smoke": 0.5, "quick": 10.0, "standard": 60.0}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    Attributes:
        batch_size: points in a batch, drawn without replacement within an epoch.
        lr: peak learning rate of Adam, or one per player.
        warmup: share of the training over which the rate rises linearly; it falls to 0 along a cosine after that.
        beta1, beta2: Adam's averaging constants.
        weight_decay: decoupled decay (AdamW); 0 is plain Adam.
        clip: largest gradient norm of a player; 0 for no clipping.
        ema: decay of the moving average of the weights, which are the ones that sample and score; 0 for none.
        step_ms: milliseconds of one step on one core of the reference machine. Named budgets are seconds of that
            machine, turned into steps with it, so that the same command trains the same number of steps everywhere.
    """

    batch_size: int = 256
    lr: float | Mapping[str, float] = 2e-3
    warmup: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    clip: float = 5.0
    ema: float = 0.999
    step_ms: float = 2.0

    def __post_init__(self) -> None:
        rates = self.lr.values() if isinstance(self.lr, Mapping) else [self.lr]
        checks = {
            "batch_size": self.batch_size >= 1,
            "lr": all(rate > 0 for rate in rates),
            "warmup": 0 <= self.warmup < 1,
            "beta1": 0 <= self.beta1 < 1,
            "beta2": 0 <= self.beta2 < 1,
            "weight_decay": self.weight_decay >= 0,
            "clip": self.clip >= 0,
            "ema": 0 <= self.ema < 1,
            "step_ms": self.step_ms > 0,
        }
        for name, fine in checks.items():
            if not fine:
                raise ValueError(f"{name}={getattr(self, name)} is out of range")

    def rate(self, player: str, done: float) -> float:
        """Return a player's learning rate when a share `done` of the training is over."""
        peak = self.lr[player] if isinstance(self.lr, Mapping) else self.lr
        if done < self.warmup:
            return peak * max(done, 1e-3) / self.warmup
        return peak * 0.5 * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))


@dataclass(frozen=True)
class Budget:
    """How long to train: `smoke`, `quick` (10 s of the reference machine), `standard` (60 s), steps, or seconds.

    >>> Budget("quick").steps(Recipe(step_ms=2))
    5000
    >>> Budget("300").steps(Recipe()), Budget("30s").seconds
    (300, 30.0)
    """

    text: str

    def __post_init__(self) -> None:
        if self.text not in NOMINAL_SECONDS and not re.fullmatch(r"[1-9]\d*( ?steps)?|\d+(\.\d+)? ?s", self.text):
            hint = nearest(self.text, list(NOMINAL_SECONDS))
            raise GenbenchError(f"budget '{self.text}' is no name, number of steps (2000) or of seconds (30s){hint}")
        if self.seconds == 0:
            raise GenbenchError("budget '0s' leaves no time to train; give more")

    @property
    def seconds(self) -> float | None:
        """Wall seconds, where the budget is in seconds. Such a run cannot be repeated bit by bit."""
        in_seconds = self.text[0].isdigit() and self.text.endswith("s") and not self.text.endswith("steps")
        return float(self.text[:-1]) if in_seconds else None

    def steps(self, recipe: Recipe) -> int | None:
        """Return the number of steps, or None where the budget is in wall seconds."""
        if self.text in NOMINAL_SECONDS:
            return max(1, round(1000 * NOMINAL_SECONDS[self.text] / recipe.step_ms))
        return None if self.seconds is not None else int(self.text.split("s")[0])


@dataclass
class History:
    """What happened in training: about 200 `rows` with the step and the mean of each loss since the row before."""

    rows: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0


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
    model: TorchModel, x: Tensor, validation: Tensor, recipe: Recipe, budget: Budget, progress: bool = False
) -> History:
    """Train a built model on points x [n, *shape]; leaves the averaged weights with the best validation loss in it.

    Raises:
        Diverged: a loss or a gradient is not finite, or a loss explodes.
    """
    from torch.optim.swa_utils import AveragedModel
    from tqdm.auto import tqdm

    players = _Players(model, recipe)
    averaged = AveragedModel(model, multi_avg_fn=_ema(recipe.ema)) if recipe.ema else None
    judged = cast("TorchModel", averaged.module) if averaged else model
    best = _Best(judged, validation, alone=len(players.optimisers) == 1)
    steps, history = budget.steps(recipe), History()
    begin, row_at, look_at = time.perf_counter(), 0.0, 0.0
    model.train()
    bar = tqdm(total=steps, desc="training", unit="step", disable=not progress, leave=False)
    for batch in _batches(x, recipe.batch_size):
        model.progress = history.steps / steps if steps else (time.perf_counter() - begin) / (budget.seconds or 1)
        if model.progress >= 1:
            break
        history.steps += 1
        players.step = history.steps
        model.training_step(batch, players.update)
        if averaged is not None:
            averaged.update_parameters(model)
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
        from torch.nn.utils import clip_grad_norm_

        self.guard.check(player, value := loss.item(), self.step)
        self.losses[player].append(value)
        optimiser, parameters = self.optimisers[player], self.parameters[player]
        for group in optimiser.param_groups:
            group["lr"] = self.recipe.rate(player, self.model.progress)
        optimiser.zero_grad()
        loss.backward(inputs=parameters)
        norm = clip_grad_norm_(parameters, self.recipe.clip or math.inf).item()
        if not math.isfinite(norm):
            raise Diverged(f"the gradient of {player} is {norm} at step {self.step}; try a lower lr or a smaller clip")
        optimiser.step()

    def mean_losses(self) -> dict[str, float]:
        """Return each player's mean loss since the last call."""
        means = {name: sum(values) / len(values) for name, values in self.losses.items() if values}
        self.losses = {name: [] for name in self.losses}
        return means


def _batches(x: Tensor, size: int) -> Iterator[Tensor]:
    """Yield batches for ever, each epoch in a new order; a rest smaller than a batch is left out of its epoch."""
    import torch

    size = min(size, len(x))
    while True:
        order = torch.randperm(len(x))
        for start in range(0, len(x) - size + 1, size):
            yield x[order[start : start + size]]


def _ema(decay: float) -> Any:
    """Return the update of an exponential moving average; its decay rises from 0, to suit short trainings too."""
    import torch

    @torch.no_grad()
    def update(averages: list[Tensor], parameters: list[Tensor], count: Tensor) -> None:
        n = int(count)
        torch._foreach_lerp_(averages, parameters, 1 - min(decay, (1 + n) / (10 + n)))

    return update


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
