"""Under what conditions trials run: nothing of it is part of what a trial is, so it is in no key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from genbench.checkpoint import SUFFIX, Checkpoint
from genbench.errors import GenbenchError
from genbench.record import TrialSpec
from genbench.tensorboard import Log

__all__ = ["CHECKPOINT_EVERY", "DEVICES", "Conditions", "choose_device", "look_in"]

CHECKPOINT_EVERY = 60.0  # seconds
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Conditions:
    """How trials are carried out.

    Attributes:
        progress: show a progress bar of each training.
        checkpoint_every: seconds between two checkpoints of a training; 0 for none.
        device: "cpu", "cuda" or "mps": where torch models live.
        data_dir: folder in which data files are looked for.
        folder: where checkpoints are written; None for none.
        previews: how often samples are drawn in the course of a training, beside `folder`; 0 for never.
        log: "tensorboard", where losses and previews are logged, beside `folder`; None for nowhere.
        threads: that torch may use for one operation.
    """

    progress: bool = False
    checkpoint_every: float = CHECKPOINT_EVERY
    device: str = "cpu"
    data_dir: str | None = None
    folder: Path | None = None
    previews: int = 0
    log: str | None = None
    threads: int = 1

    def checkpoint(self, spec: TrialSpec, training: int = 0) -> Checkpoint | None:
        """Return the checkpoint of a trial's training, or of a further one where the trial has several."""
        if self.folder is None or not self.checkpoint_every:
            return None
        name = f"{spec.key}.{training}" if training else spec.key
        about = {"spec": spec.model_dump(mode="json")}
        return Checkpoint(self.folder / f"{name}{SUFFIX}", name, self.checkpoint_every, about)

    def log_of(self, spec: TrialSpec, training: int = 0) -> Log | None:
        """Return the log of a trial's training, or of a further one where the trial has several."""
        if self.folder is None or self.log is None:
            return None
        name = f"{spec.key}.{training}" if training else spec.key
        return Log(self.folder.parent / self.log / name)


def choose_device(asked: str) -> str:
    """Return the device for a name: "auto" is "cuda" or "mps" where there is one, else "cpu".

    Only the processor has been tried.

    Raises:
        GenbenchError: the name is unknown, or this machine or its torch has no such device.
    """
    if asked not in DEVICES:
        raise GenbenchError(f"device '{asked}' is unknown; choose one of {', '.join(DEVICES)}")
    if asked == "cpu":
        return asked
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next((name for name, available in there.items() if available), "cpu")
    if not there[asked]:
        raise GenbenchError(f"device '{asked}' is not there, or torch was built without it; use --device cpu or auto")
    return asked


def look_in(data_dir: str | Path | None) -> None:
    """Let data files be looked for in a folder first, in this process and those that it starts.

    Raises:
        GenbenchError: there is no such folder.
    """
    if data_dir is None:
        return
    folder = Path(data_dir).expanduser().resolve()
    if not folder.is_dir():
        raise GenbenchError(f"no data folder {folder}; make it, or leave --data-dir out")
    before = [place for place in os.environ.get("GENBENCH_DATA", "").split(os.pathsep) if place]
    os.environ["GENBENCH_DATA"] = os.pathsep.join([str(folder), *(place for place in before if place != str(folder))])
