"""Velocity fields: where the flow carries points of the plane at some times, one row a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genbench.contracts.optional_methods import SupportsTrajectory, SupportsVelocity
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.figures.shared.grids import rows_of_panels
from genbench.figures.shared.panels import planar_datasets
from genbench.figures.shared.sample_panel import Scene
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.analysis.run_data import RunData
    from genbench.estimator.estimator import Estimator

__all__ = ["Field", "draw"]

NEEDS_WEIGHTS = True
TIMES = (0.0, 0.25, 0.5, 0.75, 0.95)  # at the data themselves some paths have no bounded velocity
ARROWS, DOTS = 16, 700  # arrows along a side; samples behind them
LONGEST = 0.95  # quantile of the speeds that is drawn one cell long


class Field(NamedTuple):
    """Velocities [a², 2] at the points of a grid, samples [n, 2] on their way, and their mean speed, at a time t."""

    t: float
    velocity: Array
    samples: Array
    speed: float


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset of the plane: `velocity` for a single dataset, else `velocity-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(scene: Scene, trial: TrialRecord, estimator: Estimator) -> list[Field]:
        way = estimator.trajectory(scene.n, stream(trial.seed, "snapshots")).at(np.array(TIMES))
        return [_field(estimator, t, _grid(scene), x) for t, x in zip(TIMES, way.points, strict=True)]

    return by_models(
        run,
        "velocity",
        planar_datasets(run),
        with_methods(SupportsVelocity, SupportsTrajectory),
        partial(Scene, noise=True, dots=DOTS),
        show,
        _figure,
    )


def _field(estimator: Estimator, t: float, grid: Array, samples: Array) -> Field:
    speed = np.linalg.norm(estimator.velocity(samples, t), axis=1).mean()
    return Field(t, estimator.velocity(grid, t), samples, float(speed))


def _grid(scene: Scene) -> Array:
    """Return the points [a², 2] at which arrows begin."""
    low, high = scene.plane.low, scene.plane.high
    x, y = (low[i] + (np.arange(ARROWS) + 0.5) * (high[i] - low[i]) / ARROWS for i in range(2))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _figure(dataset: str, scene: Scene, found: Sequence[tuple[TrialRecord, list[Field]]]) -> Figure:
    figure, rows = rows_of_panels(scene, [trial.model for trial, _ in found], len(TIMES), 2.1)
    start, cell = _grid(scene), float((scene.plane.high - scene.plane.low)[0]) / ARROWS
    for panels, (_, fields) in zip(rows, found, strict=True):
        for panel, field in zip(panels, fields, strict=True):
            scene.show(panel, field.samples, FAINT, 2)
            speeds = np.linalg.norm(field.velocity, axis=1)
            most = float(np.quantile(speeds, LONGEST)) or 1.0
            arrows = field.velocity * np.minimum(1.0, most / np.maximum(speeds, 1e-300))[:, None]
            panel.quiver(*start.T, *arrows.T, color=BLUE, angles="xy", scale_units="xy", scale=most / cell, width=0.006)
            panel.set_title(f"t = {field.t:.2f}, speed {field.speed:.2f}")
    figure.suptitle(
        f"{dataset}: velocity fields (arrows, in a unit of their own in each panel)\n"
        "and samples on their way (grey), with their mean speed"
    )
    return figure
