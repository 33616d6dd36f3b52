"""Draws of a missing coordinate: at some given places, where each model puts the other coordinate."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.display.numbers import brief
from genbench.figures.shared.panels import distinct, of_task, over_truth
from genbench.plotting.style import BLUE, INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

POINTS, LINES, DRAWS = 4_000, 9, 60


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset of the plane whose gaps were filled: `gaps`, or `gaps-<dataset>`."""
    return of_task(run, "gaps", "impute", lambda place, trials: _figure(run, place, trials))


def _figure(run: RunData, place: str, trials: list[TrialRecord]) -> Figure:
    """Draw on a vertical line for each of a few given first coordinates the second ones that a model drew."""
    figure, places = over_truth(trials, POINTS)
    names = distinct(trial.model for trial in trials)
    for panel, trial in zip(places, trials, strict=True):
        stored = run.arrays(trial.key)
        given, draws = stored["points_0"][:, 0], stored["draws_0"][..., 0]  # (m,), (m, n)
        ends = (2, len(given) - 3) if len(given) > 2 * LINES else (0, len(given) - 1)  # not at the outermost points
        order = np.unique(np.argsort(given)[np.linspace(*ends, LINES).astype(int)])
        for k in order:
            panel.axvline(given[k], color=INK, lw=0.5)
            shown = draws[k, :DRAWS]
            panel.plot(np.full(len(shown), given[k]), shown, ".", ms=4, mew=0, alpha=0.5, color=BLUE)
        value = trial.metrics.get("conditional_w1")
        panel.set_title(names[trial.model] + ("" if value is None else f"\nconditional W1 {brief(value)}"))
    figure.suptitle(
        f"{place}: {DRAWS} draws of the second coordinate (blue) at given first ones (lines), over the truth (grey)"
    )
    return figure
