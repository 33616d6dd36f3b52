"""Weights & Biases: a run for each training run, grouped by the run of genbench.

The project is "genbench" unless WANDB_PROJECT names another. With WANDB_MODE=offline, files go to wandb/ of the run's
folder, and `wandb sync` sends them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.training.logs.log import About, Log

if TYPE_CHECKING:
    from wandb import Run

__all__ = ["WandbLog"]

PATIENCE = 30  # by hand: seconds to wait for the server at the start; after that, nothing is logged


class WandbLog(Log):
    """A run of Weights & Biases. A training run that resumes continues it."""

    def __init__(self, about: About) -> None:
        import wandb  # noqa: F401  # takes a second, which is not the training's

        super().__init__(about)
        self._open: Run | None = None

    def _numbers(self, values: Mapping[str, float], step: int) -> None:
        self._run().log(dict(values), step=step)

    def _image(self, file: Path, step: int) -> None:
        from wandb import Image

        self._run().log({"samples": Image(str(file))}, step=step)

    def _scores(self, scores: Mapping[str, float]) -> None:
        self._run().summary.update(dict(scores))

    def _close(self) -> None:
        if self._open:
            import wandb

            self._open.finish()
            wandb.teardown()  # ends its service, which would outlive the trial
        self._open = None

    def _run(self) -> Run:
        if self._open is None:
            import wandb

            self.about.folder.mkdir(parents=True, exist_ok=True)
            # no output is caught, and no hardware watched: a trial's output has its file, and its cost is measured
            settings = wandb.Settings(
                silent=True, console="off", init_timeout=PATIENCE, x_disable_stats=True, x_disable_meta=True
            )
            name = f"{self.about.run}/{self.about.name}"
            self._open = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "genbench"),
                group=self.about.run,
                name=self.about.name,
                id=hashlib.sha256(name.encode()).hexdigest()[:16],
                resume="allow",
                config=dict(self.about.facts),
                dir=str(self.about.folder),
                settings=settings,
            )
        return self._open
