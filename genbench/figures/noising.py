"""Noising in snapshots: data on their way to noise, as each diffusion and flow matching model learns to see them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsNoising
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.figures.shared.grids import rows_of_panels
from genbench.figures.shared.panels import datasets_of, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from genbench.estimator.estimator import Estimator

__all__ = ["draw"]

NEEDS_WEIGHTS = True
TIMES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.0)
Snapshot = tuple[Array, tuple[float, float] | None]  # noised points [n, *shape]; α and β of x_t = α x + β ε, if so


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `noising` for a single dataset, else `noising-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> list[Snapshot]:
        real, seed = view.real, stream(trial.seed, "snapshots")
        return [(estimator.noised(real, t, seed), estimator.noise_level(t)) for t in TIMES]

    able, view_of = with_methods(SupportsNoising), partial(SamplePanel, noise=True)
    return by_models(run, "noising", datasets_of(run), able, view_of, show, _figure)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, list[Snapshot]]]) -> Figure:
    figure, rows = rows_of_panels(view, [trial.model for trial, _ in found], len(TIMES), lines=2)
    frames: list[pd.DataFrame] = []
    for panels, (trial, snapshots) in zip(rows, found, strict=False):
        for panel, t, (points, level) in zip(panels, TIMES, snapshots, strict=True):
            view.show(panel, points)
            head(panel, f"t = {t:.2f}", "" if level is None else f"{level[0]:.2f}x + {level[1]:.2f}ε")
            frames += view.tidy(points, model=trial.model, seed=trial.seed, t=t)
    figure.data = stacked(frames)
    what = f"{len(view.real):,} {'images' if view.is_image else 'points'}"
    figure.suptitle(f"{dataset}: {what} x on their way to noise ε, as each model learns from them{view.axes}")
    return figure
