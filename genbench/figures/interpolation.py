"""Paths between pairs of data points: through each model's latent space, and straight."""

from __future__ import annotations

from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.figures.shared.panels import distinct, of_task, over_truth
from genbench.plotting.style import BLUE, INK, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

POINTS, PATHS = 4_000, 6


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset of the plane: `interpolation`, or `interpolation-<dataset>`."""
    return of_task(run, "interpolation", "interpolate", lambda place, trials: _figure(run, place, trials))


def _figure(run: RunData, place: str, trials: list[TrialRecord]) -> Figure:
    figure, places = over_truth(trials, POINTS)
    names = distinct(trial.model for trial in trials)
    for panel, trial in zip(places, trials, strict=True):
        stored = run.arrays(trial.key)
        for line, path in zip(stored["straight"][:PATHS], stored["latent"][:PATHS], strict=True):
            panel.plot(*line.T, color=VERMILLION, lw=1.2, ls=":")
            panel.plot(*path.T, color=BLUE, lw=1.5)
            panel.plot(*line[[0, -1]].T, "o", color=INK, ms=3.5)
        value = trial.metrics.get("midpoints_inside")
        panel.set_title(names[trial.model] + ("" if value is None else f"\nmidpoints inside {100 * value:.0f} %"))
    figure.suptitle(f"{place}: paths through the latent space (blue) and straight ones (dotted), over the truth (grey)")
    return figure
