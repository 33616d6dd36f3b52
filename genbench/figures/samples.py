"""Samples side by side: the truth and every model on the same axes; for points and rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import (
    by_dataset,
    datasets_of,
    first_seeds,
    short,
    show_each,
    stacked,
    truth_or_stored,
)
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, number_of, order_of, room, score_line, seed_of
from genbench.plotting.canvas import panels
from genbench.plotting.style import INK, colour_of
from genbench.storage.records import TrialRecord

__all__ = ["draw", "side_by_side"]

POINTS = 4_000


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset: `samples` for a single one, else `samples-<dataset>`."""
    names = datasets_of(run, images=False)
    return by_dataset(run, "samples", names, lambda name: side_by_side(run, name, POINTS, 5, dots=POINTS))


def side_by_side(run: RunData, dataset: str, count: int, columns: int, **sizes: Any) -> Figure:
    """Return the truth beside the samples of each model, in the order of the leaderboard.

    They are of each model's first seed that did not fail.

    Args:
        count: the number of points or of images.
        columns: the number of panels in a row.
        sizes: see `SamplePanel`.
    """
    trials = first_seeds(run, dataset)
    view = SamplePanel(trials[0], noted=0.0, reference=truth_or_stored(run, dataset, count), **sizes)
    size, gap = ((3.0, 3.4), 0.08) if view.is_image else ((2.7, 2.5 * view.aspect + 0.7), None)
    figure, places = panels(len(trials) + 1, size, columns, gap=gap)
    frames, counts = list[pd.DataFrame](), list[int]()

    def show(panel: Axes, x: Array, colour: str, **facts: Any) -> None:
        view.show(panel, x, colour)
        frames.extend(frame.astype({"seed": "Int64"}) for frame in view.tidy(x, **facts))

    def show_model(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        counts.append(len(samples[:count]))
        show(panel, samples[:count], colour_of(trial.role), model=trial.model, seed=trial.seed)
        head(panel, name, score_line(run, trial))

    show(places[0], view.real, INK, model="truth", seed=None)
    what = "images" if view.is_image else "points"
    head(places[0], f"truth: {short(dataset, room(places[0]) - 7)}", f"{len(view.real):,} {what}")
    show_each(run, places[1:], trials, show_model)
    for panel in places:
        view.frame(panel)
    figure.data = stacked(frames)
    shown = f"{number_of(counts)} samples of {seed_of(trials)} each{view.axes}"
    figure.suptitle(f"{dataset}: {shown}, {order_of(run, dataset)}")
    return figure
