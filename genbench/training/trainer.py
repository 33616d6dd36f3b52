"""The trainer: steps until the end of the budget, with history, snapshots, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genbench.contracts.recipe import UNKNOWN_STEP_MS, Budget, Recipe
from genbench.training.batches import Batches, Redraw
from genbench.training.checkpoint import Checkpoint, load_module, numbers, random_state, set_numbers, set_random_state
from genbench.training.compute import Compute, Meter
from genbench.training.ema import Average
from genbench.training.optimizer_groups import OptimizerGroups, precision
from genbench.training.weight_selection import LOOKS, Best, few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from genbench.contracts.torch_model import TorchModel
    from genbench.core.types import Array, Labels

    Single = NDArray[np.float32]

__all__ = ["History", "Snapshots", "Training", "TrainingOptions", "begun", "train"]

ROWS = 200  # of the history: chosen by hand, as many as a figure of losses resolves


@dataclass
class History:
    """The history of training: about 200 `rows` with step and mean losses.

    A mean loss is over the steps since the row before. `earlier` is the training time in seconds before the run resumed
    from a checkpoint, and `compute` is the amount of computation, if it was measured.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0
    earlier: float = 0.0
    compute: Compute | None = None


@dataclass
class Snapshots:
    """Snapshots of the averaged model at given shares of a training run.

    They do not change the training.

    Attributes:
        shares: shares of the training, in (0, 1].
        take: called with the model, the share that is done, the steps, and the seconds of training without snapshots.
        rows: what `take` returned, if it was not None.
        note: called with each new row of the history.
    """

    shares: Sequence[float]
    take: Callable[[Any, float, int, float], dict[str, float] | None]
    rows: list[dict[str, float]] = field(default_factory=list)
    note: Callable[[dict[str, float]], None] | None = None

    def __post_init__(self) -> None:
        self._due = sorted(self.shares)

    def look(self, module: TorchModel, share: float, steps: int, begin: float) -> float:
        """Take a snapshot if one is due.

        It returns when the training would have begun without it.
        """
        if not self._due or share < self._due[0]:
            return begin
        self._due = [due for due in self._due if due > share]
        stop = time.perf_counter()
        module.eval()
        module.progress = 1.0
        row = self.take(module, share, steps, stop - begin)
        if row is not None:
            self.rows.append(row)
        module.train()
        return begin + time.perf_counter() - stop

    def state(self) -> dict[str, Any]:
        """Return the rows so far, and the shares that are still due."""
        return {"rows": list(self.rows), "due": self._due}

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a state."""
        self.rows[:], self._due = state["rows"], state["due"]


@dataclass(frozen=True)
class TrainingOptions:
    """The length of a training run, and what happens during it.

    Attributes:
        snapshots: called with the averaged model from time to time.
        redraw: returns x with the noise of epoch 1, 2, …, or None if x does not change; x itself is epoch 0.
        checkpoint: the file from which the run resumes, if it was begun before, and to which it is written from time to
            time.
        metered: whether to measure the computation of the model. Work of the engine between steps, such as noise for
            the data, validation and snapshots, does not count.
    """

    budget: Budget
    progress: bool = False
    snapshots: Snapshots | None = None
    redraw: Redraw | None = None
    checkpoint: Checkpoint | None = None
    metered: bool = False


def train(
    model: TorchModel,
    x: Array | Single,
    validation: Array | Single,
    options: TrainingOptions,
    recipe: Recipe | None = None,
    labels: tuple[Labels, Labels] | None = None,
) -> History:
    """Build a model for the shape of x [n, *shape] and train it.

    The recipe is the model's own unless given. Among the averaged weights, the best ones on the validation points are
    kept, see `genbench.training.weight_selection.Best`.

    Args:
        labels: labels of x and of validation, for a conditional model.

    Raises:
        Diverged: a loss or a gradient is not finite, or a loss explodes.
        GenbenchError: the recipe does not suit the model.
    """
    training = begun(model, x, validation, options, recipe, labels)
    if options.checkpoint:
        options.checkpoint.resume(training)
    training.run()
    return training.history


def begun(
    model: TorchModel,
    x: Array | Single,
    validation: Array | Single,
    options: TrainingOptions,
    recipe: Recipe | None = None,
    labels: tuple[Labels, Labels] | None = None,
) -> Training:
    """Build a model for x [n, *shape], and return its training before the first step.

    The arguments are those of `train`.
    """
    import torch

    recipe = recipe or model.recipe
    points, held_out = (torch.as_tensor(a, dtype=torch.float32) for a in (x, validation))
    y, y_held_out = (((torch.as_tensor(labels[0]),), (torch.as_tensor(labels[1]),))) if labels else ((), ())
    meter = Meter() if options.metered else None
    with meter.start() if meter else nullcontext():
        model.build(tuple(points.shape[1:]))
        model.prepare(points)
    batches = Batches((points, *y), recipe.batch_size, options.redraw)
    return Training(model, batches, (held_out, *y_held_out), recipe, options, meter)


class Training:
    """A training run that can stop after any step and resume from its state.

    It then ends with the same weights bit for bit.
    """

    def __init__(
        self,
        model: TorchModel,
        data: Batches,
        held_out: tuple[Tensor, ...],
        recipe: Recipe,
        options: TrainingOptions,
        meter: Meter | None = None,
    ) -> None:
        self.model, self.batches, self.options, self.snapshots = model, data, options, options.snapshots
        self.meter = meter
        self.precision = precision(recipe)
        self.groups = OptimizerGroups(model, recipe)
        self.average = Average(model, recipe.ema)
        self.steps, self.seconds = options.budget.steps(recipe), options.budget.seconds or 1.0
        expected = self.steps or round(1000 * self.seconds / (recipe.step_ms or UNKNOWN_STEP_MS))
        looked = few(held_out, expected * recipe.batch_size)
        self.best = Best(self.average.module, looked, recipe, alone=len(self.groups.optimisers) == 1)
        self.history = History()
        self.row_at, self.look_at = 0.0, 0.0
        self.begin = time.perf_counter()

    def run(self) -> None:
        """Train to the end, and load the best weights into the model."""
        from tqdm.auto import tqdm

        model, history, checkpoint = self.model, self.history, self.options.checkpoint
        model.train()
        quiet = not self.options.progress
        bar = tqdm(total=self.steps, initial=history.steps, desc="training", unit="step", disable=quiet, leave=False)
        while True:
            spent = time.perf_counter() - self.begin
            model.progress = history.steps / self.steps if self.steps else spent / self.seconds
            if self.snapshots:
                share = min(1.0, model.progress)
                self.begin = self.snapshots.look(self.average.module, share, history.steps, self.begin)
            if model.progress >= 1:
                break
            batch = self.batches.next()
            with self.meter.step() if self.meter else nullcontext():
                self.step(batch)
            bar.update()
            if row := self.row():
                bar.set_postfix({name: f"{value:.3g}" for name, value in row.items() if name != "step"})
            if checkpoint:
                checkpoint.offer(self)
            if self.meter:
                self.begin += self.meter.look_now_and_then()
        bar.close()
        if self.meter:
            history.compute = self.meter.finish()
        if checkpoint:
            checkpoint.offer(self, last=True)
        model.progress = 1.0
        model.load_state_dict(self.best.weights())
        model.eval()

    def step(self, batch: tuple[Tensor, ...]) -> None:
        """Do one step with a batch."""
        self.history.steps += 1
        self.groups.step = self.history.steps
        for part in self.groups.parts(batch):
            with self.precision():
                if len(part) > 1:
                    self.model.labelled_step(part[0], part[1], self.groups.update)
                else:
                    self.model.training_step(part[0], self.groups.update)
        self.average.update()

    def row(self) -> dict[str, float]:
        """Add a row to the history if it is time, and return it; {} otherwise."""
        progress, last = self.model.progress, self.history.steps == self.steps
        if progress < self.row_at and not last:
            return {}
        self.row_at = progress + 1 / ROWS
        row = {"step": self.history.steps, **self.groups.mean_losses()}
        if progress >= self.look_at or last:
            self.look_at = progress + 1 / LOOKS
            row |= self.best.look()
        self.history.rows.append(row)
        if self.snapshots and self.snapshots.note:
            self.snapshots.note(dict(row))
        return row

    def state(self) -> dict[str, Any]:
        """Return everything that changes during training, for `restore`."""
        # "players" is the key of checkpoints of earlier versions.
        return {
            "model": {"weights": self.model.state_dict(), "numbers": numbers(self.model)},
            "average": self.average.state(),
            "best": self.best.state(),
            "players": self.groups.state(),
            "batches": self.batches.state(),
            "random": random_state(),
            "snapshots": self.snapshots.state() if self.snapshots else None,
            "history": {"rows": list(self.history.rows), "steps": self.history.steps},
            "next": [self.row_at, self.look_at],
            "seconds": time.perf_counter() - self.begin,
            "compute": self.meter.state() if self.meter else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from a state.

        Raises:
            ValueError, KeyError, TypeError: the state belongs to another training run.
        """
        load_module(self.model, state["model"]["weights"])
        set_numbers(self.model, state["model"]["numbers"])
        self.average.restore(state["average"])
        self.best.restore(state["best"])
        self.groups.restore(state["players"])
        self.batches.restore(state["batches"])
        if self.snapshots and state["snapshots"]:
            self.snapshots.restore(state["snapshots"])
        self.history.rows[:], self.history.steps = state["history"]["rows"], state["history"]["steps"]
        self.row_at, self.look_at = state["next"]
        self.history.earlier = state["seconds"] if self.history.steps else 0.0
        self.begin = time.perf_counter() - state["seconds"]
        if self.meter:
            self.meter.restore(state.get("compute"))
        set_random_state(state["random"])
