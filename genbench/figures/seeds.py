"""The score of every seed, one panel per metric: the spread between training runs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.lines import Line2D

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row
from genbench.figures.shared.panels import by_table
from genbench.figures.shared.score_panels import (
    extent_of,
    frame_panel,
    ranked_metrics,
    score_frame,
    score_panels,
)
from genbench.plotting.canvas import DataFigure
from genbench.plotting.style import BLUE, COLOURS, FAINT

__all__ = ["draw"]

MANY = 6  # seeds from which on the middle half is drawn instead of the range: it leaves out at least one at each end
NOTE = (
    "A point is a seed: one training run, and one draw of data that all models share. {colours}{summary} Dashed: the "
    "oracle's mean. Signs at the right: * leads, = as good, ? open, none worse."
)
SHARED = "Points of one colour had the same data. "
SUMMARIES: dict[bool, dict[str, Any]] = {  # whether there are many seeds
    True: {"estimator": "median", "errorbar": ("pi", 50), "err_kws": {"linewidth": 7.0, "alpha": 0.5}},
    False: {"estimator": "mean", "errorbar": ("pi", 100)},
}
WORDS = {
    True: "Grey: the median and the middle half of the seeds.",
    False: "Grey: the mean, and from the lowest score to the highest.",
}


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return one figure per dataset (and task) with several seeds, by file stem.

    The stem is `seeds` for a single dataset, else `seeds-<dataset>`.
    """
    return by_table(run, "seeds", partial(_figure, run.leaderboard()))


def _figure(board: Leaderboard, rows: list[Row]) -> DataFigure | None:
    metrics = ranked_metrics(board, rows)
    if not metrics or max(row.seeds for row in rows) < 2:
        return None
    means = score_frame(rows, metrics)
    figure, places = score_panels(means)
    frame = _frame(rows, metrics)
    figure.data = frame[frame["metric"].isin(places)]
    seeds = sorted(frame["seed"].unique())
    colours = dict(zip(seeds, COLOURS, strict=False)) if len(seeds) <= len(COLOURS) else {}
    many = len(seeds) >= MANY
    for metric, panel in places.items():
        its = frame[frame["metric"] == metric]
        known = its[np.isfinite(its["value"])]
        models = [row.model for row in rows]
        shared: dict[str, Any] = {"data": known, "x": "value", "y": "model", "order": models, "ax": panel}
        if len(known):
            line = {"linestyle": "none", "linewidth": 2.0, "marker": "|", "markersize": 9, "color": FAINT}
            seaborn.pointplot(**shared, **line, **SUMMARIES[many], legend=False)
            looks: dict[str, Any] = {"hue": "seed", "palette": colours, "dodge": True} if colours else {"color": BLUE}
            seaborn.stripplot(**shared, **looks, jitter=False, size=4, linewidth=0, legend=False, zorder=3)
        each = its.assign(mean=its["value"], low=its["value"], high=its["value"])
        frame_panel(panel, means[means["metric"] == metric].reset_index(drop=True), extent_of(each))
    if colours:
        marks = [
            Line2D([], [], marker="o", ls="none", color=colour, markersize=4, label=seed)
            for seed, colour in colours.items()
        ]
        figure.legend(handles=marks, title="seed", loc="outside right upper")
    figure.suptitle(f"{rows[0].place}: scores of each seed")
    figure.supxlabel(NOTE.format(colours=SHARED * bool(colours), summary=WORDS[many]))
    return figure


def _frame(rows: list[Row], metrics: list[str]) -> pd.DataFrame:
    """Return a tidy frame: a row for each model, metric and seed that has a score."""
    scores = [
        (row.place, row.model, row.role, metric, seed, value)
        for row in rows
        for metric in metrics
        for seed, value in row.values.get(metric, {}).items()
    ]
    return pd.DataFrame(scores, columns=["dataset", "model", "role", "metric", "seed", "value"])
