"""Velocity fields in the plane at several times, one row per model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory, SupportsVelocity
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.grids import snapshots
from genbench.figures.shared.panels import planar_datasets
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head
from genbench.figures.shared.trained_models import with_methods
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True
TIMES = (0.0, 0.25, 0.5, 0.75, 0.95)  # at the data themselves some paths have no bounded velocity
ARROWS, DOTS = 16, 700  # arrows along a side; samples behind them
LONGEST = 0.95  # quantile of the speeds that is drawn one cell long
WIDTH = 2.1  # inches of a panel
State = tuple[float, Array, Array, float]  # t, velocities [a², 2] on a grid, samples [n, 2], and their mean speed


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of the plane, by file stem.

    The stem is `velocity` for a single dataset, else `velocity-<dataset>`.
    """
    able, view_of = with_methods(SupportsVelocity, SupportsTrajectory), partial(SamplePanel, noise=True, dots=DOTS)
    return snapshots(run, "velocity", planar_datasets(run), able, view_of, _states, _show, _title, WIDTH)


def _states(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> list[State]:
    way, start = estimator.trajectory(view.n, stream(trial.seed, "snapshots")).at(np.array(TIMES)), _grid(view)
    norms = [np.linalg.norm(estimator.velocity(x, t), axis=1) for t, x in zip(TIMES, way.points, strict=True)]
    fields = zip(TIMES, way.points, norms, strict=True)
    return [(t, estimator.velocity(start, t), x, float(speed.mean())) for t, x, speed in fields]


def _grid(view: SamplePanel) -> Array:
    """Return the points [a², 2] at which arrows begin."""
    low, high = view.plane.low, view.plane.high
    x, y = (low[i] + (np.arange(ARROWS) + 0.5) * (high[i] - low[i]) / ARROWS for i in range(2))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _show(panel: Axes, view: SamplePanel, state: State, **facts: Any) -> list[pd.DataFrame]:
    """Draw the samples, and over them the velocities, cut off at a quantile of their lengths."""
    t, velocity, samples, speed = state
    start, cell = _grid(view), float((view.plane.high - view.plane.low)[0]) / ARROWS
    view.show(panel, samples, FAINT, 2)
    speeds = np.linalg.norm(velocity, axis=1)
    most = float(np.quantile(speeds, LONGEST)) or 1.0
    arrows = velocity * np.minimum(1.0, most / np.maximum(speeds, 1e-300))[:, None]
    panel.quiver(*start.T, *arrows.T, color=BLUE, angles="xy", scale_units="xy", scale=most / cell, width=0.006)
    head(panel, f"t = {t:.2f}, speed\N{NO-BREAK SPACE}{speed:.2f}")
    columns = zip(("x", "y", "velocity x", "velocity y"), [*start.T, *velocity.T], strict=True)
    return [pd.DataFrame({**facts, "t": t} | dict(columns))]


def _title(view: SamplePanel) -> str:
    return (
        "velocity fields (arrows, in a unit of their own in each panel)\n"
        f"and {view.n:,} samples on their way (grey), with their mean speed"
    )
