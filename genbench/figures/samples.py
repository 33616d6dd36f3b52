"""Samples side by side: the truth and every model on the same axes, one figure a dataset of points or rows."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import (
    by_dataset,
    datasets_of,
    first_seeds,
    number_of,
    panels,
    score_line,
    short,
    show_each,
    truth_or_stored,
)
from genbench.plotting.projection import view_of
from genbench.plotting.ranges import say_outside
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
    view = view_of(truth_or_stored(run, dataset, POINTS))
    counts: list[int] = []  # of samples that are shown
    figure, places = panels(len(trials) + 1, (2.7, 2.5 * view.aspect + 0.6), COLUMNS)
    view.show(places[0], view.real, INK)
    say_outside(places[0], view.outside(view.real))
    places[0].set_title(f"truth: {short(dataset, 20)}\n{len(view.real):,} points")

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        counts.append(len(samples[:POINTS]))
        view.show(panel, samples[:POINTS], colour_of(trial.role))
        say_outside(panel, view.outside(samples[:POINTS]))
        panel.set_title(name + score_line(run, trial))

    show_each(run, places[1:], trials, show)
    for panel in figure.axes:
        view.frame(panel)
    seeds = Counter(trial.seed for trial in trials).most_common(1)[0][0]
    figure.suptitle(f"{dataset}: {number_of(counts)} samples of seed {seeds} each{view.axes}")
    return figure
