"""Ranks over datasets with simultaneous intervals: which models may be the best."""

from __future__ import annotations

import pandas as pd
import seaborn

from genbench.analysis.ranking import Ranking, rankings
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.display.ranking_view import ranking_view
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import DataFigure, new_figure
from genbench.plotting.style import BLUE, FAINT, INK, SKY

__all__ = ["draw"]

LINE, WIDTH = 0.27, 7.2  # inches: from model to model, and of the figure
LONGEST, TICKS = 40, 12  # letters of a name, and numbers on the axis
COLOURS = {"best": BLUE, "as good": BLUE, "open": SKY, "worse": FAINT}


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return the figure for the metric by which the leaderboard is sorted.

    There is none below 3 datasets or 2 models. Controls are left out. If likelihood kinds must not be mixed, each has
    its own figure.
    """
    figures = {}
    for one in rankings(run.leaderboard()):
        if one.models[0].ranks is not None:
            figures[f"ranking-{one.likelihood}" if one.likelihood else "ranking"] = _figure(one)
    return figures


def _figure(one: Ranking) -> DataFigure:
    """Draw one line per model over its possible ranks, with its place in the ranking and its verdict."""
    columns = ["model", "metric", "score", "low", "high", "rank", "first", "last", "verdict"]
    models = [
        (m.name, one.metric, *m.score, i, *m.ranks, m.verdict or "open") for i, m in enumerate(one.models, 1) if m.ranks
    ]
    frame, k = pd.DataFrame(models, columns=columns), len(models)
    figure = new_figure(WIDTH, LINE * k + 1.6)
    figure.data = frame
    panel = figure.subplots()
    colours = [COLOURS[verdict] for verdict in frame["verdict"]]
    panel.hlines(frame["rank"], frame["first"], frame["last"], colors=colours, lw=4, capstyle="round")
    seaborn.scatterplot(frame, x="rank", y="rank", color=INK, s=25, linewidth=0, ax=panel, zorder=3)
    for rank, verdict in zip(frame["rank"], frame["verdict"], strict=True):
        panel.text(1.03, rank, verdict, transform=panel.get_yaxis_transform(), va="center")
    panel.set_yticks(frame["rank"], list(distinct(frame["model"], LONGEST).values()))
    panel.set(
        xlim=(0.5, k + 0.5), xticks=range(1, k + 1, -(-k // TICKS)), ylim=(k + 0.6, 0.4), xlabel="rank", ylabel=""
    )
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", lw=0.5)
    figure.suptitle(f"{card_of(one.metric).label}, {ranking_view(one).title}")
    figure.supxlabel("Point: in this ranking. Line: the ranks that it may have (95 %, all models together).")
    return figure
