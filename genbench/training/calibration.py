"""The present speed of this machine, by a fixed piece of work with a known time.

The time is known on the reference machine. Seconds say little about the amount of computation: another machine is
faster, and a busy one is slower. Divided by the seconds of the kernel at the same time, and multiplied by `KERNEL_MS`,
they are seconds of the reference machine, the unit of named budgets. The kernel does what most models do in a step:
products of small matrices, SiLU, Adam.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

__all__ = ["KERNEL_MS", "Kernel"]

# Milliseconds of the kernel on one core of the reference machine, which is known by the `step_ms` that the zoo's models
# state alone: with this number they are right in the median to a tenth, on moons, digits and two tables, and each to a
# factor of two (benchmarks/training_step.py). An idle core of an AMD EPYC of 2022 takes two thirds of it.
KERNEL_MS = 6.5
WIDTHS, BATCH, STEPS = (2, 128, 128, 128, 2), 256, 4  # by hand: some milliseconds, without waiting for memory


class Kernel:
    """Four steps of Adam on a regression by a small network, in one thread of the processor.

    It has its own weights and draws no random numbers, so that it does not change any result.
    """

    def __init__(self) -> None:
        import torch

        with torch.device("cpu"), torch.no_grad():
            self.x = self._wave(BATCH, WIDTHS[0])
            self.first = [self._wave(a, b).div(a**0.5) for a, b in itertools.pairwise(WIDTHS)]
            self.weights = [torch.empty_like(weight).requires_grad_() for weight in self.first]
            self.moments = [torch.empty_like(weight) for _ in range(2) for weight in self.first]

    def _wave(self, rows: int, columns: int) -> Any:
        """Return numbers (rows, columns) between -1 and 1 in no visible order."""
        import torch

        return torch.arange(rows * columns, dtype=torch.float32).mul(1.3).sin().view(rows, columns)

    def run(self) -> float:
        """Do the work once and return its processor seconds in this thread.

        The work is the same at each call.
        """
        import torch

        threads = torch.get_num_threads()
        with torch.no_grad():
            for weight, first in zip(self.weights, self.first, strict=True):
                weight.copy_(first)
            for moment in self.moments:
                moment.zero_()
        torch.set_num_threads(1)
        try:
            with torch.enable_grad():
                begin = time.thread_time()
                for _ in range(STEPS):
                    self._step()
                return time.thread_time() - begin
        finally:
            torch.set_num_threads(threads)

    def _step(self) -> None:
        import torch

        h = self.x @ self.weights[0]
        for weight in self.weights[1:]:
            h = torch.nn.functional.silu(h) @ weight
        gradients = torch.autograd.grad((h - self.x).square().mean(), self.weights)
        half = len(self.weights)
        with torch.no_grad():
            for weight, gradient, m, v in zip(
                self.weights, gradients, self.moments[:half], self.moments[half:], strict=True
            ):
                m.lerp_(gradient, 0.1)
                v.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                weight.addcdiv_(m, v.sqrt().add_(1e-8), value=-1e-3)
