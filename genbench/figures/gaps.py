"""Samples of a missing coordinate (`--task impute`), given the other coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.task_panels import of_task, points_of, show_truth
from genbench.figures.shared.titles import number_of
from genbench.plotting.style import BLUE, INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

LINES, DRAWS = 9, 60


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of the plane with imputed coordinates, by file stem.

    The stem is `gaps` for a single dataset, else `gaps-<dataset>`.
    """
    return of_task(run, "gaps", "impute", points_of, _frame, _show, _title)


def _frame(trial: TrialRecord, stored: dict[str, Array]) -> pd.DataFrame:
    """Return one row per draw: the second coordinates that a model drew at a few given first ones."""
    given, draws = stored["points_0"][:, 0], stored["draws_0"][:, :DRAWS, 0]  # (m,), (m, n)
    ends = (2, len(given) - 3) if len(given) > 2 * LINES else (0, len(given) - 1)  # not at the outermost points
    chosen = np.unique(np.argsort(given)[np.linspace(*ends, LINES).astype(int)])
    at, drawn = given[chosen].repeat(draws.shape[1]), draws[chosen].ravel()
    return pd.DataFrame({"model": trial.model, "seed": trial.seed, "given": at, "drawn": drawn})


def _show(panel: Axes, real: Array, frame: pd.DataFrame) -> None:
    """Draw the second coordinates that a model drew, on a vertical line at each given first one."""
    show_truth(panel, real)
    for given in frame["given"].unique():
        panel.axvline(given, color=INK, lw=0.5)
    panel.plot(frame["given"], frame["drawn"], ".", ms=4, mew=0, alpha=0.5, color=BLUE)


def _title(real: Array, frames: Sequence[pd.DataFrame]) -> str:
    draws = number_of([int(frame.groupby("given").size().min()) for frame in frames])
    return f"{draws} draws of the second coordinate (blue) at given first ones (lines), over the truth (grey)"
