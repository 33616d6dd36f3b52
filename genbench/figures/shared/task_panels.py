"""Figures of tasks on data of the plane: one panel per model, from its stored trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import by_dataset, dataset_of, distinct, first_seeds, stacked, truth
from genbench.figures.shared.titles import head, order_of, room, score_line
from genbench.plotting.canvas import panels
from genbench.plotting.ranges import limits
from genbench.plotting.style import FAINT
from genbench.storage.records import TrialRecord

__all__ = ["of_task", "points_of", "show_truth"]

S = TypeVar("S")
POINTS, COLUMNS = 4_000, 4  # of the truth, and panels beside each other


def of_task(
    run: RunData,
    stem: str,
    task: str,
    shared_by: Callable[[TrialRecord], S],
    frame_of: Callable[[TrialRecord, dict[str, Array]], pd.DataFrame],
    show: Callable[[Axes, S, pd.DataFrame], None],
    title: Callable[[S, Sequence[pd.DataFrame]], str],
) -> dict[str, Figure]:
    """Return a figure for each dataset of the plane on which a task was run.

    Trials that failed are left out. It shows the first seed of each model, the leader first.

    Args:
        shared_by: returns, from one trial, what all panels of a dataset share, such as points of the truth.
        frame_of: returns the tidy frame of a panel from the stored arrays of its trial.
        show: draws the frame in a panel.
        title: returns what the figure shows, as text.
    """

    def fine(trial: TrialRecord) -> bool:
        return trial.spec.task == task and trial.status == "ok"

    def found_on(place: str) -> list[tuple[TrialRecord, pd.DataFrame]]:
        stored = [(trial, run.arrays(trial.key)) for trial in first_seeds(run, place) if fine(trial)]
        return [(trial, frame_of(trial, arrays)) for trial, arrays in stored if arrays]

    def figure_of(name: str) -> Figure:
        place, found = known[name]
        shared, frames = shared_by(found[0][0]), [frame for _, frame in found]
        figure, places = panels(len(found), (2.9, 2.7), COLUMNS, margin=0.5)
        names = distinct((trial.model for trial, _ in found), room(places[0]))
        for panel, (trial, frame) in zip(places, found, strict=False):
            show(panel, shared, frame)
            head(panel, names[trial.model], score_line(run, trial))
        figure.data = stacked(frames)
        figure.suptitle(f"{place}: {title(shared, frames)}; {order_of(run, place)}")
        return figure

    first = {trial.dataset: trial for trial in run.trials if fine(trial)}
    planar = {name: trial.place for name, trial in first.items() if dataset_of(trial).shape == (2,)}
    known = {name: (place, found) for name, place in planar.items() if (found := found_on(place))}
    return by_dataset(run, stem, known, figure_of, fine)


def points_of(trial: TrialRecord) -> Array:
    """Return points of the truth [n, 2], for `show_truth`."""
    return truth(trial, POINTS)


def show_truth(panel: Axes, real: Array) -> None:
    """Draw points of the truth in grey, as background, on the common axes."""
    low, high = limits(real, 0.15)
    panel.scatter(real[:, 0], real[:, 1], s=1, color=FAINT, alpha=0.4, linewidths=0, rasterized=True)
    panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
