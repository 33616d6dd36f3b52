"""The amount of computation of a training run, in seconds of the reference machine.

It is processor time, divided by that of the calibration kernel in the same process, before, after and from time to time
during training. Wall-clock time would include other work of a busy machine; processor time includes only this process,
and the kernel is slowed down in the same way. With one thread, the processor times of the process and of the training
thread agree. With more, waiting threads may use processor time, so that the true amount is between the two. On a GPU,
processor time says nothing about the work, and nothing is measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from genbench.training.calibration import KERNEL_MS, Kernel

__all__ = ["Compute", "Meter"]

LOOKS = 5  # of the kernel, before a training and after it; by hand: 50 ms together, and their median ignores two
EVERY = 1.0  # seconds of a training between two more of them; by hand: half a percent of its time
SPREAD = 0.1  # share of the kernel's times that are left out at either end, where their spread counts


@dataclass(frozen=True)
class Compute:
    """An amount of computation, in seconds of the reference machine; amounts can be added.

    Attributes:
        seconds: the best estimate: all threads, by the kernel's median time.
        least, most: certain bounds: the training thread alone by the slowest runs of the kernel, and all threads by its
            fastest runs.
        start: the part of `seconds` outside of steps: building, reading the data, and the additional time of the first
            step, which allocates and imports. For a model without steps it is everything.
        processor: processor seconds of the training thread on this machine.
        measuring: wall-clock seconds of the kernel.
    """

    seconds: float = 0.0
    least: float = 0.0
    most: float = 0.0
    start: float = 0.0
    processor: float = 0.0
    measuring: float = 0.0

    def __add__(self, other: Compute) -> Compute:
        """Return both together."""
        mine, theirs = asdict(self), asdict(other)
        return Compute(**{name: mine[name] + theirs[name] for name in mine})


class _Clock:
    """Processor seconds of all threads and of this one that were spent inside `running`."""

    def __init__(self) -> None:
        self.process, self.thread = 0.0, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        process, thread = _process_time(), time.thread_time()
        try:
            yield
        finally:
            self.process += _process_time() - process
            self.thread += time.thread_time() - thread


class Meter:
    """A meter of one training run: `start` before the steps, `step` around each of them."""

    def __init__(self) -> None:
        self.kernel, self.times = Kernel(), list[float]()
        self.before, self.first, self.others, self.steps = _Clock(), _Clock(), _Clock(), 0
        self.earlier: Compute | None = Compute()
        self.measuring = 0.0
        self.kernel.run()  # the first one allocates
        self.look(LOOKS)

    def look(self, times: int = 1) -> float:
        """Run the kernel some times, and return the wall-clock seconds that this took."""
        begin = time.perf_counter()
        self.times += [self.kernel.run() for _ in range(times)]
        self.looked = time.perf_counter()
        self.measuring += self.looked - begin
        return self.looked - begin

    def look_now_and_then(self) -> float:
        """Run the kernel if it was not run for a while, and return the wall-clock seconds."""
        return self.look() if time.perf_counter() - self.looked > EVERY else 0.0

    def start(self) -> Any:
        """Return a context in which the model is built, or fitted as a whole."""
        return self.before.running()

    def step(self) -> Any:
        """Return a context for one step."""
        self.steps += 1
        return (self.first if self.steps == 1 else self.others).running()

    def compute(self) -> Compute | None:
        """Return the amount of computation so far, or None.

        It is None if a resumed run does not have the amount before its resumption.
        """
        if self.earlier is None:
            return None
        typical, times = median(self.times), sorted(self.times)
        edge = int(SPREAD * len(times))
        process = sum(clock.process for clock in (self.before, self.first, self.others))
        thread = sum(clock.thread for clock in (self.before, self.first, self.others))
        usual = self.others.process / (self.steps - 1) if self.steps > 1 else self.first.process
        start = self.before.process + max(0.0, self.first.process - usual)
        unit = KERNEL_MS / 1000
        return self.earlier + Compute(
            seconds=unit * process / typical,
            least=unit * min(thread, process) / times[-1 - edge],
            most=unit * max(thread, process) / times[edge],
            start=unit * start / typical,
            processor=thread,
            measuring=self.measuring,
        )

    def finish(self) -> Compute | None:
        """Run the kernel for the last time, and return the amount of computation."""
        self.look(LOOKS)
        return self.compute()

    def state(self) -> dict[str, float] | None:
        """Return the amount of computation so far, for a checkpoint."""
        return None if (done := self.compute()) is None else asdict(done)

    def restore(self, state: dict[str, float] | None) -> None:
        """Add the amount of computation before a kill; None if unknown."""
        self.earlier = None if state is None else Compute(**{**state, "measuring": 0.0})


def _process_time() -> float:
    """Return the processor seconds of this process and of the ended ones that it had started."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
