"""Score against each cost, with the models that no other model beats in both."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.figures.shared.costs import COSTS, beyond, cost_figures, finish_panel, name_points
from genbench.plotting.canvas import panels
from genbench.plotting.labels import styles

__all__ = ["draw"]


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset without controls, by file stem.

    The stem is `pareto` for a single dataset, else `pareto-<dataset>`.
    """
    return cost_figures(run, "pareto", _figure)


def _figure(board: Leaderboard, dataset: str, models: pd.DataFrame) -> Figure:
    looks = styles(sorted({row.model for row in board.rows}))  # alike on every dataset
    near = models[models["near"]]
    shown = [known for label in COSTS if len(known := near[["model", label, "score"]].dropna())]
    figure, axes = panels(len(shown), (5.4, 3.9), 2, margin=0.6)
    drawn = []
    for panel, known in zip(axes, shown, strict=False):
        for model, *at in known.itertuples(index=False):
            panel.plot(*at, linestyle="", markersize=7, markeredgewidth=0, zorder=3, **looks[model])
        drawn.append(finish_panel(panel, board, dataset, known))
    figure.suptitle(
        f"{dataset}: quality against cost (mean over seeds; ringed: no model is better at that cost or less)"
    )
    figure.supxlabel(beyond(models))
    name_points(figure, drawn, {model: looks[model] for model in near["model"]})
    figure.data = models.melt(["dataset", "model", "score"], list(COSTS), "cost", "value").dropna()
    return figure
