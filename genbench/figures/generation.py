"""Snapshots of generation: samples between noise and data, one row per model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.grids import snapshots
from genbench.figures.shared.panels import datasets_of
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head
from genbench.figures.shared.trained_models import with_methods
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True
TIMES = np.array([0, 0.25, 0.5, 0.75, 0.9, 1.0])
State = tuple[float, Array] | None  # time and samples [n, *shape]; None where the next state has the same time


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset, by file stem.

    The stem is `generation` for a single dataset, else `generation-<dataset>`.
    """
    able, view_of = with_methods(SupportsTrajectory), partial(SamplePanel, noise=True)
    return snapshots(run, "generation", datasets_of(run), able, view_of, _states, _show, _title)


def _states(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> list[State]:
    way = estimator.trajectory(view.n, stream(trial.seed, "snapshots")).at(TIMES)
    last = np.append(way.times[1:] != way.times[:-1], True)  # a flow of few layers has fewer states than times
    return [(t, x) if its else None for t, x, its in zip(way.times, way.points, last, strict=True)]


def _show(panel: Axes, view: SamplePanel, state: State, **facts: Any) -> list[pd.DataFrame]:
    if state is None:
        panel.set_axis_off()
        return []
    t, points = state
    view.show(panel, points)
    head(panel, f"t = {t:.2f}")
    return view.tidy(points, **facts, t=t)


def _title(view: SamplePanel) -> str:
    what = f"{view.n:,} {'images' if view.is_image else 'samples'}"
    return f"{what} on their way from noise (t = 0) to data (t = 1){view.axes}"
