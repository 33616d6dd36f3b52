"""Paths between pairs of data points: through each model's latent space, and straight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.panels import of_task, panels, truth
from genbench.record import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw"]

POINTS, PATHS, COLUMNS = 4_000, 6, 4
TRUTH, LATENT, STRAIGHT, END = "#BBBBBB", "#0072B2", "#D55E00", "#222222"


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure a dataset of the plane: `interpolation`, or `interpolation-<dataset>`."""
    return of_task(run, "interpolation", "interpolate", lambda place, trials: _figure(run, place, trials))


def _figure(run: Run, place: str, trials: list[TrialRecord]) -> Figure:
    real = truth(trials[0], POINTS)
    low, high = np.quantile(real, 0.001, axis=0), np.quantile(real, 0.999, axis=0)
    margin = 0.15 * (high - low)
    figure, places = panels(len(trials), (2.9, 2.6), COLUMNS, margin=0.5)
    for panel, trial in zip(places, trials, strict=False):
        kept = run.store.arrays(trial.key)
        panel.scatter(real[:, 0], real[:, 1], s=1, color=TRUTH, alpha=0.5, linewidths=0, rasterized=True)
        for line, path in zip(kept["straight"][:PATHS], kept["latent"][:PATHS], strict=True):
            panel.plot(*line.T, color=STRAIGHT, lw=0.8, ls=":")
            panel.plot(*path.T, color=LATENT, lw=1.4)
            panel.plot(*line[[0, -1]].T, "o", color=END, ms=3)
        value = trial.metrics.get("midpoints_inside")
        panel.set_title(trial.model + ("" if value is None else f"\nmidpoints inside {100 * value:.0f} %"), fontsize=10)
        panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        panel.set(xticks=[], yticks=[])
    for panel in places[len(trials) :]:
        panel.set_axis_off()
    figure.suptitle(f"{place}: paths through the latent space (blue) and straight ones (dotted)", fontsize=12)
    return figure
