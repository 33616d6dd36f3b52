"""Samples side by side: the truth and every model on the same axes, one figure a dataset of points or rows."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import by_dataset, datasets_of, first_seeds, panels, score_line, show_each, truth
from genbench.plotting.projection import Plane
from genbench.plotting.style import INK, colour_of
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

POINTS = 4_000
COLUMNS = 5


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `samples` for a single one, else `samples-<dataset>`."""
    return by_dataset(run, "samples", datasets_of(run, images=False), lambda name: _figure(run, name))


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    trials = first_seeds(run, dataset)
    plane = Plane.of(truth(trials[0], POINTS))
    figure, places = panels(len(trials) + 1, (2.7, 2.5 * plane.aspect + 0.6), COLUMNS)
    plane.show(places[0], plane.real, INK)
    places[0].set_title(f"truth: {dataset}")

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        plane.show(panel, samples[:POINTS], colour_of(trial.role))
        panel.set_title(name + score_line(run, trial))

    show_each(run, places[1:], trials, show)
    for panel in figure.axes:
        plane.frame(panel)
    seeds = Counter(trial.seed for trial in trials).most_common(1)[0][0]
    figure.suptitle(f"{dataset}: {POINTS:,} samples of seed {seeds} each{plane.axes}")
    return figure
