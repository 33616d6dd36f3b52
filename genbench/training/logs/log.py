"""A log of one training run: its losses, its previews and, in the end, its scores, sent where somebody watches."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["About", "Log"]

HELD_OUT = "validation"


@dataclass(frozen=True)
class About:
    """What a log is of.

    Attributes:
        run: name of the run.
        name: of the training run, the trial's key.
        folder: of the run, in which local logs have one of their own.
        facts: model, dataset, seed, budget and parameters, by name.
    """

    run: str
    name: str
    folder: Path
    facts: Mapping[str, Any] = field(default_factory=dict)


class Log(ABC):
    """What goes wrong with a log never stops a training run: it is said once, and nothing more is logged."""

    def __init__(self, about: About) -> None:
        self.about = about
        self._lost = False

    def row(self, row: Mapping[str, float]) -> None:
        """Log a row of the history, at its step: `train/<group>`, and the loss on the validation split."""
        values = {
            f"{HELD_OUT}/loss" if name == HELD_OUT else f"train/{name}": row[name] for name in row if name != "step"
        }
        self._safely(lambda: self._numbers(values, int(row["step"])))

    def image(self, file: Path, step: int) -> None:
        """Log an image file as `samples`, at a step."""
        self._safely(lambda: self._image(file, step))

    def scores(self, scores: Mapping[str, float | None]) -> None:
        """Log the scores of the trial as `score/<metric>`, after the log was closed; it is closed again."""
        known = {f"score/{name}": value for name, value in scores.items() if value is not None}
        self._safely(lambda: self._scores(known))
        self.close()

    def close(self) -> None:
        """Write what is still to be written."""
        self._safely(self._close)

    @abstractmethod
    def _numbers(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers of a step."""

    @abstractmethod
    def _image(self, file: Path, step: int) -> None:
        """Write an image of a step."""

    @abstractmethod
    def _scores(self, scores: Mapping[str, float]) -> None:
        """Write the trial's scores."""

    @abstractmethod
    def _close(self) -> None:
        """End it, if it was begun."""

    def _safely(self, write: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            write()
        except Exception as error:  # the disk may be full, a server away
            self._lost = True
            print(f"nothing more is logged: {type(error).__name__}: {error}", file=sys.stderr)
