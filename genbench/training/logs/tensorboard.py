"""TensorBoard's event files, in a folder for each training run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.training.logs.log import About, Log

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["TensorBoardLog"]

FLUSH = 10  # by hand: seconds between two writes to the disk


class TensorBoardLog(Log):
    """Event files in tensorboard/<name> of the run's folder."""

    def __init__(self, about: About) -> None:
        import torch.utils.tensorboard  # noqa: F401  # takes a second, which is not the training's

        super().__init__(about)
        self.folder = about.folder / "tensorboard" / about.name
        self._open: SummaryWriter | None = None

    def _numbers(self, values: Mapping[str, float], step: int) -> None:
        for tag, value in values.items():
            self._writer(step).add_scalar(tag, value, step)

    def _image(self, file: Path, step: int) -> None:
        from matplotlib.image import imread

        self._writer(step).add_image("samples", imread(file)[..., :3], step, dataformats="HWC")

    def _scores(self, scores: Mapping[str, float]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.folder)) as writer:  # one that makes nothing void
            for tag, value in scores.items():
                writer.add_scalar(tag, value)

    def _close(self) -> None:
        if self._open:
            self._open.close()
        self._open = None

    def _writer(self, step: int) -> SummaryWriter:
        """Return the writer; where a killed training run resumes at a step, what was written beyond it is void."""
        if self._open is None:
            from torch.utils.tensorboard import SummaryWriter

            self._open = SummaryWriter(str(self.folder), purge_step=step, flush_secs=FLUSH)
        return self._open
