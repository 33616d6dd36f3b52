"""Snapshots of noising: the noised data from which diffusion and flow models learn."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsNoising
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
TIMES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.0)
State = tuple[float, Array, tuple[float, float] | None]  # t, noised points, and α and β of x_t = α x + β ε, if so


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset: `noising` for a single dataset, else `noising-<dataset>`."""
    able, view_of = with_methods(SupportsNoising), partial(SamplePanel, noise=True)
    return snapshots(run, "noising", datasets_of(run), able, view_of, _states, _show, _title, lines=2)


def _states(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> list[State]:
    seed = stream(trial.seed, "snapshots")
    return [(t, estimator.noised(view.real, t, seed), estimator.noise_level(t)) for t in TIMES]


def _show(panel: Axes, view: SamplePanel, state: State, **facts: Any) -> list[pd.DataFrame]:
    t, points, level = state
    view.show(panel, points)
    head(panel, f"t = {t:.2f}", "" if level is None else f"{level[0]:.2f}x + {level[1]:.2f}ε")
    return view.tidy(points, **facts, t=t)


def _title(view: SamplePanel) -> str:
    what = f"{len(view.real):,} {'images' if view.is_image else 'points'}"
    return f"{what} x on their way to noise ε, as each model learns from them{view.axes}"
