"""The time of one step of a model, in milliseconds of the reference machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from genbench.contracts.recipe import Recipe
from genbench.training.calibration import KERNEL_MS, Kernel
from genbench.training.trainer import Training, TrainingOptions, begun

if TYPE_CHECKING:
    from genbench.contracts.torch_model import TorchModel
    from genbench.core.types import Labels
    from genbench.training.trainer import Single

__all__ = ["measured_step_ms"]

# All by hand. A block of steps has a kernel before and after it. It is of ten steps, as SOAP renews its eigenbases once
# in as many; of fewer where these take longer than `LONGEST` seconds.
WARM_UP, BLOCK, LONGEST = 5, 10, 0.2
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the training at which steps are timed: some models do more later on
PATIENCE = 5.0  # seconds of steps after which each share has one block instead of two
STANDSTILL = 1e-9  # learning rate, so that a model cannot diverge, as no step takes longer with a larger one


def measured_step_ms(
    model: TorchModel,
    x: Single,
    validation: Single,
    options: TrainingOptions,
    labels: tuple[Labels, Labels] | None = None,
) -> float:
    """Return the milliseconds of a training step on the reference machine.

    The arguments are those of `train`. Steps alternate with the kernel, and the result comes from their quotients,
    because other work of the machine slows down both. At each share of the training, the smaller of two quotients is
    used; the result is their mean. The first steps do not count, as they allocate and import. The model cannot be used
    afterwards.

    Raises:
        GenbenchError: the recipe does not suit the model, or its first loss is not finite.
    """
    training = begun(model, x, validation, options, _at_rest(model.recipe), labels)
    kernel = Kernel()
    kernel.run()
    model.train()
    first = min(_seconds(training, 1, 0.0) for _ in range(WARM_UP))
    block = max(1, min(BLOCK, round(LONGEST / max(first, 1e-9))))
    quotients: list[float] = []
    spent, before = 0.0, kernel.run()
    for share in SHARES:
        here: list[float] = []
        for _ in range(2 if spent < PATIENCE else 1):
            taken, after = _seconds(training, block, share), kernel.run()
            here.append(2 * taken / block / (before + after))
            spent, before = spent + taken, after
        quotients.append(min(here))
    return KERNEL_MS * fmean(quotients)


def _at_rest(recipe: Recipe) -> Recipe:
    """Return the recipe with a learning rate that moves nothing."""
    lr = dict.fromkeys(recipe.lr, STANDSTILL) if isinstance(recipe.lr, Mapping) else STANDSTILL
    return replace(recipe, lr=lr)


def _seconds(training: Training, steps: int, progress: float) -> float:
    """Return the processor seconds of some steps, as they are done when a share of the training is over."""
    training.model.progress = progress
    batches = [training.batches.next() for _ in range(steps)]
    begin = time.process_time()
    for batch in batches:
        training.step(batch)
    return time.process_time() - begin
