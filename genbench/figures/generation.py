"""Generation in snapshots: samples on their way from noise to data, one row a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.seeding import stream
from genbench.figures.shared.grids import rows_of_panels
from genbench.figures.shared.panels import datasets_of, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from genbench.estimator.estimator import Estimator
    from genbench.estimator.fitted import Trajectory

__all__ = ["draw"]

NEEDS_WEIGHTS = True
TIMES = np.array([0, 0.25, 0.5, 0.75, 0.9, 1.0])


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `generation` for a single dataset, else `generation-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> Trajectory:
        return estimator.trajectory(view.n, stream(trial.seed, "snapshots")).at(TIMES)

    able, view_of = with_methods(SupportsTrajectory), partial(SamplePanel, noise=True)
    return by_models(run, "generation", datasets_of(run), able, view_of, show, _figure)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, Trajectory]]) -> Figure:
    figure, rows = rows_of_panels(view, [trial.model for trial, _ in found], len(TIMES))
    frames: list[pd.DataFrame] = []
    for panels, (trial, way) in zip(rows, found, strict=False):
        for k, (panel, t) in enumerate(zip(panels, way.times, strict=True)):
            if t in way.times[k + 1 :]:  # a flow of few layers has not so many states
                panel.set_axis_off()
                continue
            view.show(panel, way.points[k])
            head(panel, f"t = {t:.2f}")
            frames += view.tidy(way.points[k], model=trial.model, seed=trial.seed, t=t)
    figure.data = stacked(frames)
    what = "images" if view.is_image else "samples"
    figure.suptitle(f"{dataset}: {view.n:,} {what} on their way from noise (t = 0) to data (t = 1){view.axes}")
    return figure
