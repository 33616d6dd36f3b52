"""Paths between pairs of data points (`--task interpolate`): in latent space and straight."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.task_panels import of_task, points_of, show_truth
from genbench.plotting.style import BLUE, INK, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

PATHS = 6
TITLE = "paths through the latent space (blue) and straight ones (dotted), over the truth (grey)"


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of the plane, by file stem.

    The stem is `interpolation` for a single dataset, else `interpolation-<dataset>`.
    """
    return of_task(run, "interpolation", "interpolate", points_of, _frame, _show, lambda *_: TITLE)


def _frame(trial: TrialRecord, stored: dict[str, Array]) -> pd.DataFrame:
    """Return one row per pair and step: the points of the path through the latent space and of the straight one."""
    latent, straight = (stored[name][:PATHS] for name in ("latent", "straight"))  # (k, steps, 2)
    pair, step = np.indices(latent.shape[:2]).reshape(2, -1)
    points = np.concatenate([latent, straight], axis=2).reshape(-1, 4).T
    facts = {"model": trial.model, "seed": trial.seed, "pair": pair, "step": step}
    return pd.DataFrame(facts | dict(zip(("x", "y", "straight x", "straight y"), points, strict=True)))


def _show(panel: Axes, real: Array, frame: pd.DataFrame) -> None:
    show_truth(panel, real)
    for _, path in frame.groupby("pair"):
        panel.plot(path["straight x"], path["straight y"], color=VERMILLION, lw=1.2, ls=":")
        panel.plot(path["x"], path["y"], color=BLUE, lw=1.5)
        panel.plot(path["straight x"].iloc[[0, -1]], path["straight y"].iloc[[0, -1]], "o", color=INK, ms=3.5)
