"""What TensorBoard shows of training: its losses as they come, and its previews. Neither is part of a trial."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["LOGS", "Log", "check_log"]

LOGS = ("tensorboard",)
FLUSH = 10  # by hand: seconds between two writes to the disk
HELD_OUT = "validation"


def check_log(log: str | None) -> None:
    """Refuse a log that cannot be written, before anything is run.

    torch brings the writer; the package `tensorboard`, which shows the files, brings their format.

    Raises:
        GenbenchError: the kind of log is unknown, or its package is not installed.
    """
    if log is None:
        return
    if log not in LOGS:
        raise GenbenchError(f"log '{log}' is unknown; choose {' or '.join(LOGS)}")
    if importlib.util.find_spec("tensorboard") is None:
        raise GenbenchError(
            "--log tensorboard needs a package that is not installed; pip install 'genbench[tensorboard]'"
        )


class Log:
    """The event files of one training run, in a folder of their own. What goes wrong with them never stops it."""

    def __init__(self, folder: Path) -> None:
        import torch.utils.tensorboard  # noqa: F401  # takes a second, which is not the training's

        self.folder = folder
        self._writer: SummaryWriter | None = None

    def row(self, row: dict[str, float]) -> None:
        """Write a row of the history: `train/<group>` and `validation/loss`, at its step."""
        step = int(row["step"])
        with contextlib.suppress(Exception):  # the disk may be full
            for name, value in row.items():
                if name != "step":
                    tag = f"{HELD_OUT}/loss" if name == HELD_OUT else f"train/{name}"
                    self._at(step).add_scalar(tag, value, step)

    def picture(self, file: Path, step: int) -> None:
        """Write an image file as `samples`, at a step."""
        from matplotlib.image import imread

        with contextlib.suppress(Exception):
            self._at(step).add_image("samples", imread(file)[..., :3], step, dataformats="HWC")

    def close(self) -> None:
        """Write what is still to be written."""
        with contextlib.suppress(Exception):
            if self._writer:
                self._writer.close()

    def _at(self, step: int) -> Any:
        """Return the writer; where a killed training run resumes at a step, what was written beyond it is void."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder), purge_step=step, flush_secs=FLUSH)
        return self._writer
