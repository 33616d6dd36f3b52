"""Figures of samples during training, to see early if something goes wrong."""

from __future__ import annotations

import contextlib
from pathlib import Path

from genbench.contracts.dataset import Dataset
from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.plotting.sample_files import write_grid
from genbench.storage.records import TrialSpec
from genbench.training.logs import Log
from genbench.training.trainer import Snapshots

__all__ = ["previews"]

PICTURES, POINTS = 64, 2_000  # that are drawn; chosen by hand: a grid of 8 × 8, and a legible scatter


def previews(spec: TrialSpec, dataset: Dataset, folder: Path, times: int, log: Log | None = None) -> Snapshots:
    """Return snapshots that draw samples of the averaged weights during training.

    There are `times` snapshots, evenly spaced. Files are <folder>/<key>/<steps>.png: grids of images, scatter plots of
    points. All start from the same noise. Training and its seconds do not depend on previews; a preview that fails is
    left out. A `log` gets the same figures.
    """
    n = PICTURES if dataset.kind == "image" else POINTS

    def take(present: Estimator, share: float, steps: int, seconds: float) -> None:
        with contextlib.suppress(Exception):  # a half-trained plugin may raise anything, and the disk may be full
            place = folder / spec.key
            place.mkdir(parents=True, exist_ok=True)
            samples = present.sample(n, seed=stream(spec.seed, "preview"))
            write_grid(file := place / f"{steps:07d}.png", samples, None, dataset)
            if log:
                log.image(file, steps)

    return Snapshots([i / times for i in range(1, times + 1)], take)
