"""How a model is trained, and for how long."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.search_ranges import LogRange
from genbench.core.types import Count, NotNegative, Positive, ShareBelowOne

__all__ = ["UNKNOWN_STEP_MS", "Budget", "Preset", "Recipe", "planar"]

UNKNOWN_STEP_MS = 2.0  # by hand: of a model that states none and that cannot be timed; most of the zoo's take 1 to 10
NOMINAL_SECONDS = {"smoke": 0.5, "quick": 10.0, "standard": 45.0}  # by hand: how long a user waits for a model
LONGEST = 18  # letters of a budget, so that its number is one of 64 bits
BUDGET = re.compile(r"[1-9]\d*( ?steps)?|\d+(\.\d+)? ?s", re.ASCII)  # in steps, or in seconds


@dataclass(frozen=True)
class Recipe:
    """The settings of a model's training.

    Attributes:
        batch_size: number of points in a batch, drawn without replacement within an epoch.
        lr: peak learning rate, or a mapping with one for each optimizer group.
        warmup: share of training over which the rate rises linearly. After that, it falls to 0 along a cosine.
        cycles: number of times that the rate rises and falls in this way.
        optimiser: "adamw"; "muon" for matrices and convolutions, with AdamW for other parameters; or "soap"
            (`genbench.training.optimizers`).
        beta1, beta2: averaging constants of Adam and SOAP. SOAP works best with 0.95 for both.
        precondition_frequency: number of steps after which SOAP computes its eigenbases again.
        weight_decay: decoupled decay (AdamW); 0 is plain Adam.
        clip: largest gradient norm of an optimizer group; 0 means no clipping.
        ema: decay of the moving average of the weights, with which the model samples and is scored; 0 means no average.
        accumulate: number of parts into which a batch is cut. Their gradients are added up, as for the whole batch, but
            with less memory. For models with one optimizer group.
        precision: "float32", or "bfloat16" for losses in mixed precision (torch.autocast); weights, averages, samples
            and densities are float32 in any case.
        axes: along what points are shown to the model: "coordinates", each with mean 0 and deviation 1; or
            "independent", the axes along which they depend on each other the least
            (`genbench.numerics.independent_axes`). Images and series have coordinates in any case.
        step_ms: milliseconds of one step on one core of the reference machine. Named budgets are seconds of that
            machine. `step_ms` turns them into steps, so that the same command trains the same number of steps
            everywhere. If it is None, the engine times a few steps before a run (`genbench.training.step_time`).
    """

    batch_size: Count = 256
    # searched from a third of the smallest rate of the zoo to beyond the largest
    lr: Annotated[Positive | Mapping[str, Positive], LogRange(1e-4, 3e-2)] = 2e-3
    warmup: ShareBelowOne = 0.02
    cycles: Count = 1
    optimiser: Literal["adamw", "muon", "soap"] = "adamw"
    beta1: ShareBelowOne = 0.9
    beta2: ShareBelowOne = 0.999
    precondition_frequency: Count = 10
    weight_decay: NotNegative = 0.0
    clip: NotNegative = 5.0
    ema: ShareBelowOne = 0.999
    accumulate: Count = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    axes: Literal["coordinates", "independent"] = "coordinates"
    step_ms: Positive | None = None

    def __post_init__(self) -> None:
        if self.accumulate > self.batch_size:
            raise ValueError(f"accumulate={self.accumulate} must not be above batch_size={self.batch_size}")

    def rate(self, player: str, done: float) -> float:
        """Return the learning rate of an optimizer group when a share `done` of training is over."""
        peak = self.lr[player] if isinstance(self.lr, Mapping) else self.lr
        done = done * self.cycles
        done -= min(math.floor(done), self.cycles - 1)
        if done < self.warmup:
            return peak * max(done, 1e-3) / self.warmup
        return peak * 0.5 * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))


@dataclass(frozen=True)
class Preset:
    """Default values for some data, where they suit better than a model's general ones.

    `genbench tune` finds them.

    Attributes:
        use: values of parameters of the constructor or of the recipe, by name.
        kinds: the kinds of data to which it applies; all of them if empty.
        dims: smallest and largest number of coordinates, both included; None means no limit.
    """

    use: Mapping[str, Any]
    kinds: tuple[str, ...] = ()
    dims: tuple[int, int | None] = (1, None)

    def suits(self, kind: str, shape: tuple[int, ...]) -> bool:
        """Whether the preset applies to data of this kind and shape."""
        least, most = self.dims
        return (not self.kinds or kind in self.kinds) and least <= math.prod(shape) <= (most or math.inf)


def planar(step_ms: float, batch_size: int = 256, beta: float = 0.95) -> Preset:
    """Return the preset for points of few coordinates: SOAP, both averages with `beta`.

    `step_ms` is the time of one step.

    Where a large batch costs little and the loss is mostly noise, a larger batch learns more in the same time. Then
    `beta` is 0.9.
    """
    # Measured on validation splits: on smooth points a half to two thirds of the KL that AdamW leaves in that time.
    soap = {"optimiser": "soap", "lr": 1e-2, "beta1": beta, "beta2": beta}
    return Preset(soap | {"batch_size": batch_size, "step_ms": step_ms}, kinds=("points",), dims=(1, 7))


@dataclass(frozen=True)
class Budget:
    """How long to train: a named budget, a number of steps, or seconds.

    The names are `smoke`, `quick` (10 s of the reference machine) and `standard` (45 s).

    >>> Budget("quick").steps(Recipe(step_ms=2))
    5000
    >>> Budget("300").steps(Recipe()), Budget("30s").seconds
    (300, 30.0)
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST:
            raise GenbenchError(f"budget '{shown(self.text)}' is too long; write a number of fewer digits")
        if self.text not in NOMINAL_SECONDS and not BUDGET.fullmatch(self.text):
            hint = nearest(self.text, list(NOMINAL_SECONDS))
            raise GenbenchError(
                f"budget '{shown(self.text)}' is no name, number of steps (2000) or of seconds (30s){hint}"
            )
        if self.seconds == 0:
            raise GenbenchError("budget '0s' leaves no time to train; give more")

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds, if the budget is in seconds; None otherwise.

        Such a run cannot be repeated bit by bit.
        """
        in_seconds = self.text[0].isdigit() and self.text.endswith("s") and not self.text.endswith("steps")
        return float(self.text[:-1]) if in_seconds else None

    @property
    def nominal(self) -> float | None:
        """Seconds of the reference machine, if the budget is a name; None otherwise."""
        return NOMINAL_SECONDS.get(self.text)

    @property
    def nominal_seconds(self) -> float:
        """Seconds of the reference machine for a model without steps.

        They are those of `quick` if the budget is a number of steps.
        """
        return self.nominal or self.seconds or NOMINAL_SECONDS["quick"]

    def steps(self, recipe: Recipe) -> int | None:
        """Return the number of steps, or None if the budget is in wall-clock seconds."""
        if self.nominal is not None:
            return max(1, round(1000 * self.nominal / (recipe.step_ms or UNKNOWN_STEP_MS)))
        return None if self.seconds is not None else int(self.text.split("s")[0])
