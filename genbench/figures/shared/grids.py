"""Rows of panels that follow the samples of a model through time, a row for each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TypeVar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.model import ModelCard
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.panels import distinct, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import USED
from genbench.figures.shared.trained_models import by_models
from genbench.plotting.canvas import DataFigure, new_figure
from genbench.plotting.style import current_style
from genbench.storage.records import TrialRecord

__all__ = ["snapshots"]

T = TypeVar("T")
WIDTH = 1.75  # inches of a panel


def snapshots(
    run: RunData,
    stem: str,
    datasets: Sequence[str],
    able: Callable[[ModelCard], bool],
    view_of: Callable[[TrialRecord], SamplePanel],
    states_of: Callable[[SamplePanel, TrialRecord, Estimator], Sequence[T]],
    show: Callable[..., list[pd.DataFrame]],
    title: Callable[[SamplePanel], str],
    width: float = WIDTH,
    lines: int = 1,
) -> dict[str, Figure]:
    """Return a figure for each dataset: a row of panels for each model, a panel per state.

    Only models that are able have a row.

    Args:
        able, view_of: see `by_models`.
        states_of: returns the states of a trained model, the same number for each model.
        show: called with a panel, the view and a state; draws it and returns the data frames that it drew. Their
            columns `model` and `seed` are passed by name.
        title: returns what the figure shows, as text after the name of the dataset.
        width: width of a panel in inches.
        lines: number of lines of text above a panel.
    """

    def lay_out(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, Sequence[T]]]) -> Figure:
        size = width, width * view.aspect + 0.1 + 0.18 * lines
        figure, rows = _rows(size, [trial.model for trial, _ in found], len(found[0][1]))
        frames: list[pd.DataFrame] = []
        for panels, (trial, states) in zip(rows, found, strict=False):
            for panel, state in zip(panels, states, strict=True):
                frames += show(panel, view, state, model=trial.model, seed=trial.seed)
        figure.data = stacked(frames)
        figure.suptitle(f"{dataset}: {title(view)}")
        return figure

    return by_models(run, stem, datasets, able, view_of, states_of, lay_out)


def _rows(size: tuple[float, float], names: Sequence[str], columns: int) -> tuple[DataFigure, list[list[Axes]]]:
    """Return a figure with a row of panels for each name, or for the first that have room, named at the left."""
    (width, height), style = size, current_style()
    letters = style.letters(USED * height, "axes.titlesize")  # that fit beside a row
    rows, written = style.below(height, len(names)), distinct(names, 2 * letters)
    figure = new_figure(width * columns + 0.4, height * rows + 0.5)
    figure.leave_out(rows, len(names), "models")
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03})
    for panels, name in zip(grid, names, strict=False):
        panels[0].annotate(
            "\n".join(wrap(written[name], letters)), (0, 0.5), (-8, 0), "axes fraction", "offset points",
            rotation=90, ha="right", va="center", fontsize=style.points("axes.titlesize"),
        )  # fmt: skip
        for panel in panels:
            panel.set(xticks=[], yticks=[])
    return figure, [list(panels) for panels in grid]
