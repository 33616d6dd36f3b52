"""Ctrl-C while trials run: once, running trials finish; twice, they are stopped."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from genbench.core.interrupts import Interrupted, handled
from genbench.core.types import Say

__all__ = ["Stop"]


class Stop:
    """Whether the user asked a run to stop, and its progress.

    Args:
        total: number of trials to do.
        say: called with a line about what is kept.

    Attributes:
        asked: whether no further trial should begin.
        done: number of trials that are finished and written.
        running: number of trials that run now.
    """

    def __init__(self, total: int = 0, say: Say = lambda text: None) -> None:
        self.total, self.say = total, say
        self.asked = False
        self.done = self.running = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle Ctrl-C inside the block.

        Raises:
            Interrupted: at the second Ctrl-C, or another signal that ends the process; it says what is kept.
        """
        try:
            with handled({"SIGINT": self._pressed}):
                yield
        except Interrupted as error:
            error.args = (self.kept,)
            raise

    def may_begin(self, running: int) -> bool:
        """Whether another trial may begin besides the running ones."""
        self.running = running
        return not self.asked

    def check(self) -> None:
        """Raise `Interrupted` if the user has asked to stop."""
        if self.asked:
            raise Interrupted(signal.SIGINT)

    @property
    def kept(self) -> str:
        """What is kept, as text."""
        return f"{self.done} of {self.total} trials are finished and kept; the same command resumes"

    def _pressed(self, number: int, frame: object) -> None:
        if self.asked:
            raise Interrupted(number)
        self.asked = True
        few = f"{self.running} trial" + ("" if self.running == 1 else "s")
        with contextlib.suppress(RuntimeError):  # it may come in the middle of another line
            self.say(
                f"Ctrl-C: finishing the {few} that run{'s' if self.running == 1 else ''}, {self.done} of {self.total} "
                "are finished and kept; press Ctrl-C again to stop now"
            )
