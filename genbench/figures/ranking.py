"""Ranks over datasets with their simultaneous intervals: who may be best, and who is worse."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genbench.analysis.ranking import Ranking, rankings
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.display.ranking_view import ranking_view
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import new_figure
from genbench.plotting.style import BLUE, FAINT, INK, SKY

__all__ = ["draw"]

# Inches: from model to model, above the axis, below it, its length, a letter.
LINE, HEAD, FOOT, AXIS, LETTER = 0.27, 0.5, 0.6, 4.6, 0.085
LONGEST = 40  # letters of a name
COLOURS = {"best": BLUE, "as good": BLUE, "open": SKY, "worse": FAINT}


def draw(run: RunData) -> dict[str, Figure]:
    """Return the figure for the metric that the leaderboard is sorted by; nothing below 3 datasets or 2 models.

    Controls do not compete. Where likelihood kinds must not be mixed, each has a figure of its own.
    """
    figures = {}
    for one in rankings(run.leaderboard()):
        if one.models[0].ranks is not None:
            figures[f"ranking-{one.likelihood}" if one.likelihood else "ranking"] = _figure(one)
    return figures


def _figure(one: Ranking) -> Figure:
    """Draw a line a model over the ranks that it may have, with its place in the ranking and its verdict beside it."""
    names = list(distinct([model.name for model in one.models], LONGEST).values())
    k, margin = len(names), 0.4 + LETTER * max(map(len, names))
    width, height = margin + AXIS + 1.0, HEAD + LINE * k + FOOT
    figure = new_figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((margin / width, FOOT / height, AXIS / width, LINE * k / height))
    for y, model in enumerate(one.models):
        assert model.ranks is not None
        colour = COLOURS[model.verdict or "open"]
        axes.plot(model.ranks, [y, y], color=colour, lw=4, solid_capstyle="round")
        axes.plot(y + 1, y, marker="o", color=INK, ms=5, ls="none")
        axes.text(1.03, y, model.verdict or "", transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(range(k), names)
    axes.set(xlim=(0.5, k + 0.5), ylim=(k - 0.4, -0.6))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", lw=0.5)
    axes.set_xlabel("rank: point, in this ranking; line, what it may be (95 %, all models together)")
    view = ranking_view(one)
    figure.suptitle(f"{card_of(one.metric).label}, {view.title}", y=1 - 0.15 / height)
    return figure
