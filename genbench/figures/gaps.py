"""Draws of a missing coordinate: at some given places, where each model puts the other coordinate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.panels import of_task, panels, truth
from genbench.record import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw"]

POINTS, LINES, DRAWS, COLUMNS = 4_000, 9, 60, 4
TRUTH, DRAWN, GIVEN = "#999999", "#0072B2", "#222222"


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure a dataset of the plane whose gaps were filled: `gaps`, or `gaps-<dataset>`."""
    return of_task(run, "gaps", "impute", lambda place, trials: _figure(run, place, trials))


def _figure(run: Run, place: str, trials: list[TrialRecord]) -> Figure:
    """Draw on a vertical line for each of a few given first coordinates the second ones that a model drew."""
    real = truth(trials[0], POINTS)
    low, high = np.quantile(real, 0.001, axis=0), np.quantile(real, 0.999, axis=0)
    margin = 0.15 * (high - low)
    figure, places = panels(len(trials), (2.9, 2.6), COLUMNS, margin=0.5)
    for panel, trial in zip(places, trials, strict=False):
        kept = run.store.arrays(trial.key)
        given, draws = kept["points_0"][:, 0], kept["draws_0"][..., 0]  # (m,), (m, n)
        order = np.argsort(given)[np.linspace(2, len(given) - 3, LINES).astype(int)]
        panel.scatter(real[:, 0], real[:, 1], s=1, color=TRUTH, alpha=0.35, linewidths=0, rasterized=True)
        for k in order:
            panel.axvline(given[k], color=GIVEN, lw=0.4)
            panel.plot(np.full(DRAWS, given[k]), draws[k, :DRAWS], ".", ms=4, mew=0, alpha=0.5, color=DRAWN)
        value = trial.metrics.get("conditional_w1")
        panel.set_title(trial.model + ("" if value is None else f"\nconditional W1 {value:.3f}"), fontsize=10)
        panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        panel.set(xticks=[], yticks=[])
    for panel in places[len(trials) :]:
        panel.set_axis_off()
    figure.suptitle(
        f"{place}: {DRAWS} draws of the second coordinate (blue) at given first ones (lines), over the truth (grey)",
        fontsize=12,
    )
    return figure
