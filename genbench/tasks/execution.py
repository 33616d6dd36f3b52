"""Options for running trials.

No result depends on them, so they are not part of a trial's key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genbench.storage.records import TrialSpec
from genbench.training.checkpoint import SUFFIX, Checkpoint
from genbench.training.logs import About, Log, open_log

__all__ = ["CHECKPOINT_EVERY", "ExecutionOptions"]

CHECKPOINT_EVERY = 60.0  # seconds; chosen by hand: a kill costs at most a minute, and writing takes milliseconds


@dataclass(frozen=True)
class ExecutionOptions:
    """Options for running trials.

    Attributes:
        progress: whether to show a progress bar of each training run.
        checkpoint_every: seconds between two checkpoints of a training run; 0 means no checkpoints.
        device: "cpu", "cuda" or "mps": the device of torch models.
        data_dir: folder in which data files are looked for first.
        folder: the folder for checkpoints; None means no checkpoints.
        previews: how often samples are drawn during a training run, into a folder beside `folder`; 0 means never.
        log: the log for losses, previews and scores, one of `LOGS`; None means no log.
        run: name of the run, if it differs from the name of its folder.
        threads: the number of threads that torch may use for one operation.
        commit: the commit of genbench, if it runs from a checkout.
        files: returns the digests of the user's files that the trial has read so far, by path.
    """

    progress: bool = False
    checkpoint_every: float = CHECKPOINT_EVERY
    device: str = "cpu"
    data_dir: str | None = None
    folder: Path | None = None
    previews: int = 0
    log: str | None = None
    run: str = ""
    threads: int = 1
    commit: str = ""
    files: Callable[[], Mapping[str, str]] = dict

    def checkpoint(self, spec: TrialSpec, training: int = 0) -> Checkpoint | None:
        """Return the checkpoint of a training run of a trial.

        `training` is its number, if the trial has several.
        """
        if self.folder is None or not self.checkpoint_every:
            return None
        name = _name(spec, training)
        about = {"spec": spec.model_dump(mode="json"), "files": dict(self.files())}
        return Checkpoint(self.folder / f"{name}{SUFFIX}", name, self.checkpoint_every, about)

    def log_of(self, spec: TrialSpec, training: int = 0) -> Log | None:
        """Return the log of a training run of a trial.

        `training` is its number, if the trial has several.
        """
        if self.folder is None or self.log is None:
            return None
        place = self.folder.parent
        return open_log(self.log, About(self.run or place.name, _name(spec, training), place, _facts(spec)))


def _name(spec: TrialSpec, training: int) -> str:
    return f"{spec.key}.{training}" if training else spec.key


def _facts(spec: TrialSpec) -> dict[str, Any]:
    """Return what somebody who compares logs sorts and filters them by."""
    facts = {"task": spec.task, "model": spec.model_name, "dataset": spec.dataset_name}
    about = {"seed": spec.seed, "budget": spec.budget}
    of_model = {f"model.{name}": value for name, value in spec.params.items()}
    return facts | about | of_model | {f"dataset.{name}": value for name, value in spec.dataset_params.items()}
