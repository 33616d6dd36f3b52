"""Samples side by side: the truth and every model on the same axes, one figure a dataset of points or rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import by_dataset, datasets_of, first_seeds, short, show_each, truth_or_stored
from genbench.figures.shared.titles import head, number_of, order_of, room, score_line, seed_of
from genbench.plotting.canvas import panels
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
    figure, places = panels(len(trials) + 1, (2.7, 2.5 * view.aspect + 0.7), COLUMNS)
    frames: list[pd.DataFrame] = []

    def show(panel: Axes, points: Array, colour: str, **facts: Any) -> None:
        frames.append(view.tidy(points, **facts))
        view.show(panel, points, colour)
        say_outside(panel, view.outside(points))

    def show_model(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        show(panel, samples[:POINTS], colour_of(trial.role), model=trial.model, seed=trial.seed)
        head(panel, name, score_line(run, trial))

    show(places[0], view.real, INK, model="truth", seed=None)
    head(places[0], f"truth: {short(dataset, room(places[0]) - 7)}", f"{len(view.real):,} points")
    show_each(run, places[1:], trials, show_model)
    for panel in places:
        view.frame(panel)
    figure.data = pd.concat([frame.astype({"seed": "Int64"}) for frame in frames], ignore_index=True)
    shown = number_of([len(frame) for frame in frames[1:]])
    figure.suptitle(f"{dataset}: {shown} samples of {seed_of(trials)} each{view.axes}, {order_of(run, dataset)}")
    return figure
