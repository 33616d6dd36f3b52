"""Score against training time, with the speed of sampling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib import colormaps
from matplotlib.figure import Figure

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.figures.shared.costs import beyond, cost_figures, finish_panel, name_points
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import Look
from genbench.plotting.style import INK

__all__ = ["draw"]

X, SAMPLING = "training seconds", "seconds for 1,000 samples"
SPEED, UNKNOWN = "samples a second", "not timed"
SMALL, LARGE = 30.0, 95.0  # squared typographic points of the slowest sampler and of the fastest; a ring has 150
UNITS = ("", "k", "M", "G", "T")  # of thousands


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset without controls, by file stem.

    The stem is `speed` for a single dataset, else `speed-<dataset>`.
    """
    return cost_figures(run, "speed", _figure, needed=(X,))


def _figure(board: Leaderboard, dataset: str, models: pd.DataFrame) -> Figure:
    frame = models[["dataset", "model", "score", X]].assign(samples_per_second=1000 / models[SAMPLING])
    near = frame[models["near"]]
    decades = np.floor(np.log10(near["samples_per_second"]) + 1e-9)  # 1,000 belongs to the class that begins with it
    order = sorted(decades.dropna().unique(), reverse=True)
    names = {decade: f"{_brief(decade)} to {_brief(decade + 1)}" for decade in order}
    classes = decades.map(names).fillna(UNKNOWN)
    shown = [name for name in (*names.values(), UNKNOWN) if (classes == name).any()]
    colours = dict(zip(names.values(), colormaps["viridis"](np.linspace(0.1, 0.85, len(names))), strict=True))
    sizes = dict(zip(names.values(), np.linspace(LARGE, SMALL, len(names)), strict=True))
    figure = new_figure(7.4, 5.0)
    panel = figure.subplots()
    seaborn.scatterplot(
        near.assign(**{SPEED: classes}), x=X, y="score", ax=panel, hue=SPEED, size=SPEED, hue_order=shown,
        size_order=shown, palette=colours | {UNKNOWN: "white"}, sizes=sizes | {UNKNOWN: SMALL}, edgecolor=INK,
        linewidth=0.6, zorder=3,
    )  # fmt: skip
    if len(near):
        seaborn.move_legend(panel, "upper left", bbox_to_anchor=(1.01, 1.0))
    figure.suptitle(f"{dataset}: score against training time, and the speed of sampling")
    figure.supxlabel(
        "Mean over seeds. Ringed and joined: no model is better with as much training or less. " + beyond(models)
    )
    if len(near):
        drawn = finish_panel(panel, board, dataset, near[["model", X, "score"]])
        name_points(figure, [drawn], {model: Look(color="none", marker="") for model in near["model"]})
    else:
        panel.set_axis_off()
    figure.data = frame
    return figure


def _brief(decade: float) -> str:
    """Return a power of ten in a few letters: 100, 1k, 10M."""
    power = int(decade)
    if not 0 <= power < 3 * len(UNITS):
        return f"1e{power}"
    return f"{10 ** (power % 3)}{UNITS[power // 3]}"
