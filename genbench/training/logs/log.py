"""A log of one training run: its losses, its previews and, in the end, its scores."""

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
    """The facts about the training run of a log.

    Attributes:
        run: the name of the run.
        name: the name of the training run, which is the trial's key.
        folder: the folder of the run, in which local logs have their own folder.
        facts: model, dataset, seed, budget and parameters, by name.
    """

    run: str
    name: str
    folder: Path
    facts: Mapping[str, Any] = field(default_factory=dict)


class Log(ABC):
    """A log of one training run.

    Errors of a log never stop training: a message is shown once, and nothing more is logged.
    """

    def __init__(self, about: About) -> None:
        self.about = about
        self._lost = False

    def row(self, row: Mapping[str, float]) -> None:
        """Log a row of the history at its step: `train/<group>`, and the validation loss."""
        values = {
            f"{HELD_OUT}/loss" if name == HELD_OUT else f"train/{name}": row[name] for name in row if name != "step"
        }
        self._safely(lambda: self._numbers(values, int(row["step"])))

    def image(self, file: Path, step: int) -> None:
        """Log an image file as `samples`, at a step."""
        self._safely(lambda: self._image(file, step))

    def scores(self, scores: Mapping[str, float | None]) -> None:
        """Log the scores of the trial as `score/<metric>`.

        The log was closed before, and is closed again.
        """
        known = {f"score/{name}": value for name, value in scores.items() if value is not None}
        self._safely(lambda: self._scores(known))
        self.close()

    def close(self) -> None:
        """Write everything that is not written yet."""
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
