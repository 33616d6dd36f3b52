"""How trials are carried out: nothing of it is part of what a trial is, so it is in no key."""

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
    """How trials are carried out.

    Attributes:
        progress: show a progress bar of each training run.
        checkpoint_every: seconds between two checkpoints of a training run; 0 for none.
        device: "cpu", "cuda" or "mps": where torch models live.
        data_dir: folder in which data files are looked for first.
        folder: where checkpoints are written; None for none.
        previews: how often samples are drawn in the course of a training run, beside `folder`; 0 for never.
        log: where losses, previews and scores are logged, one of `LOGS`; None for nowhere.
        run: name of the run, where it is not that of its folder.
        threads: that torch may use for one operation.
        commit: of genbench, where it runs from a checkout.
        files: gives the digests of the user's files that the trial has read so far, by path.
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
        """Return the checkpoint of a trial's training run, or of a further one where the trial has several."""
        if self.folder is None or not self.checkpoint_every:
            return None
        name = _name(spec, training)
        about = {"spec": spec.model_dump(mode="json"), "files": dict(self.files())}
        return Checkpoint(self.folder / f"{name}{SUFFIX}", name, self.checkpoint_every, about)

    def log_of(self, spec: TrialSpec, training: int = 0) -> Log | None:
        """Return the log of a trial's training run, or of a further one where the trial has several."""
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
