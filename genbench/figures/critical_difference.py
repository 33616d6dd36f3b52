"""Average ranks over datasets, with bars over the models that do not differ significantly (Demšar 2006)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.ranking import rankings
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import new_figure
from genbench.plotting.style import BLUE, INK
from genbench.statistics.ranks import Ranks

__all__ = ["draw"]

AXIS, HEAD, GAP = 4.8, 1.2, 0.16  # inches: length of the axis, room above it, and between it and the first bar
LINE, BAR_STEP, LETTER = 0.23, 0.14, 0.075  # inches: from name to name, from bar to bar, width of a letter
LONGEST = 48  # letters of a name


def draw(run: RunData) -> dict[str, Figure]:
    """Return the diagram for the metric that the leaderboard is sorted by; nothing below 5 datasets or 3 models.

    Controls do not compete. Where likelihood kinds must not be mixed, each has a diagram of its own.
    """
    figures = {}
    for one in rankings(run.leaderboard()):
        if one.ranks.critical_difference is not None:
            stem = f"critical_difference-{one.likelihood}" if one.likelihood else "critical_difference"
            figures[stem] = _figure([model.name for model in one.models], one.ranks, card_of(one.metric).label)
    return figures


def _figure(models: list[str], ranks: Ranks, metric: str) -> Figure:
    """Draw an axis of ranks, best on the left, with names on both sides and the cliques between; units are inches."""
    k, half = len(models), (len(models) + 1) // 2
    order = [int(model) for model in np.argsort(ranks.average, kind="stable")]
    names = list(distinct(models, LONGEST).values())
    margin = 0.9 + LETTER * max(map(len, names))
    depth = GAP + BAR_STEP * len(ranks.cliques)  # below the axis, for the bars
    below = depth + LINE * (half + 0.5)
    width = AXIS + 2 * margin
    figure = new_figure(width, HEAD + below)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(-below, HEAD))
    axes.set_axis_off()

    def at(rank: float) -> float:
        """Return the place of an average rank on the axis."""
        return margin + (rank - 1) / (k - 1) * AXIS

    _axis(axes, [at(rank) for rank in range(1, k + 1)])
    _ruler(axes, at(1), at(1 + (ranks.critical_difference or 0)), f"CD = {ranks.critical_difference:.2f}")
    for i, model in enumerate(order):
        left, line = i < half, min(i, k - 1 - i)
        end = margin - 0.25 if left else width - margin + 0.25
        _name(axes, names[model], ranks.average[model], at(ranks.average[model]), end, -depth - LINE * (line + 0.5))
    for i, clique in enumerate(ranks.cliques):
        low, high = at(ranks.average[clique[0]]), at(ranks.average[clique[-1]])
        height = -GAP - BAR_STEP * i
        axes.plot([low - 0.04, high + 0.04], [height, height], color=BLUE, lw=3.5, solid_capstyle="round")
    p = "< 0.001" if ranks.p is not None and ranks.p < 0.001 else f"= {ranks.p:.3f}"
    title = (
        f"Average rank by {metric} over {ranks.datasets} datasets, 1 is best; Friedman's test: p {p}\n"
        "a bar joins models that do not differ significantly (Nemenyi's test, 5 %)"
    )
    axes.text(width / 2, HEAD - 0.08, title, ha="center", va="top", color=INK)
    return figure


def _axis(axes: Axes, ticks: list[float]) -> None:
    """Draw the axis of average ranks, with every rank where there is room."""
    axes.plot([ticks[0], ticks[-1]], [0, 0], color=INK, lw=1)
    step = max(1, round(0.3 * (len(ticks) - 1) / AXIS))
    for i, x in enumerate(ticks):
        named = i % step == 0
        axes.plot([x, x], [0, 0.08 if named else 0.05], color=INK, lw=1)
        if named:
            axes.text(x, 0.11, str(i + 1), ha="center", va="bottom", color=INK)


def _ruler(axes: Axes, start: float, end: float, text: str) -> None:
    """Draw the critical difference as a ruler above the axis."""
    axes.plot([start, start, start, end, end, end], np.array([1, -1, 0, 0, -1, 1]) * 0.05 + 0.42, color=INK, lw=1.2)
    axes.text((start + end) / 2, 0.5, text, ha="center", va="bottom", color=INK)


def _name(axes: Axes, name: str, rank: float, x: float, end: float, height: float) -> None:
    """Lead from the axis at x down and sideways to a model's name and its average rank."""
    axes.plot([x, x, end], [0, height, height], color=INK, lw=0.8)
    left = end < x
    text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
    axes.text(end + (-0.06 if left else 0.06), height, text, ha="right" if left else "left", va="center")
