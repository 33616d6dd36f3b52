"""Velocity fields: where the flow carries points of the plane at some times, one row a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory, SupportsVelocity
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.figures.shared.grids import rows_of_panels
from genbench.figures.shared.panels import planar_datasets, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from genbench.estimator.estimator import Estimator

__all__ = ["draw"]

NEEDS_WEIGHTS = True
TIMES = (0.0, 0.25, 0.5, 0.75, 0.95)  # at the data themselves some paths have no bounded velocity
ARROWS, DOTS = 16, 700  # arrows along a side; samples behind them
LONGEST = 0.95  # quantile of the speeds that is drawn one cell long
Field = tuple[Array, Array, float]  # velocities [a², 2] on a grid, samples [n, 2] on their way, and their mean speed


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset of the plane: `velocity` for a single dataset, else `velocity-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> list[Field]:
        way = estimator.trajectory(view.n, stream(trial.seed, "snapshots")).at(np.array(TIMES))
        speeds = [np.linalg.norm(estimator.velocity(x, t), axis=1) for t, x in zip(TIMES, way.points, strict=True)]
        fields = [estimator.velocity(_grid(view), t) for t in TIMES]
        return [(v, x, float(s.mean())) for v, x, s in zip(fields, way.points, speeds, strict=True)]

    able, view_of = with_methods(SupportsVelocity, SupportsTrajectory), partial(SamplePanel, noise=True, dots=DOTS)
    return by_models(run, "velocity", planar_datasets(run), able, view_of, show, _figure)


def _grid(view: SamplePanel) -> Array:
    """Return the points [a², 2] at which arrows begin."""
    low, high = view.plane.low, view.plane.high
    x, y = (low[i] + (np.arange(ARROWS) + 0.5) * (high[i] - low[i]) / ARROWS for i in range(2))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, list[Field]]]) -> Figure:
    figure, rows = rows_of_panels(view, [trial.model for trial, _ in found], len(TIMES), 2.1)
    start, cell = _grid(view), float((view.plane.high - view.plane.low)[0]) / ARROWS
    frames = []
    for panels, (trial, fields) in zip(rows, found, strict=False):
        for panel, t, (velocity, samples, speed) in zip(panels, TIMES, fields, strict=True):
            view.show(panel, samples, FAINT, 2)
            speeds = np.linalg.norm(velocity, axis=1)
            most = float(np.quantile(speeds, LONGEST)) or 1.0
            arrows = velocity * np.minimum(1.0, most / np.maximum(speeds, 1e-300))[:, None]
            panel.quiver(*start.T, *arrows.T, color=BLUE, angles="xy", scale_units="xy", scale=most / cell, width=0.006)
            head(panel, f"t = {t:.2f}, speed\N{NO-BREAK SPACE}{speed:.2f}")
            where = dict(zip(("x", "y", "velocity x", "velocity y"), [*start.T, *velocity.T], strict=True))
            frames.append(pd.DataFrame({"model": trial.model, "seed": trial.seed, "t": t} | where))
    figure.data = stacked(frames)
    figure.suptitle(
        f"{dataset}: velocity fields (arrows, in a unit of their own in each panel)\n"
        f"and {view.n:,} samples on their way (grey), with their mean speed"
    )
    return figure
