"""Average ranks over datasets; bars join models that do not differ significantly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes

from genbench.analysis.ranking import Ranking, rankings
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import DataFigure, new_figure
from genbench.plotting.style import BLUE, INK, current_style

__all__ = ["draw"]

AXIS, LINE = 4.8, 0.24  # inches: length of the axis at least, and from name to name
ABOVE, BAR = 2.6, 0.6  # lines: room above the axis for its numbers and the ruler, and from bar to bar
SIDE = 0.32  # share of the width that the names on one side have at most
LONGEST, TICKS = 48, 15  # letters of a name, and numbers on the axis


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return the diagram for the metric by which the leaderboard is sorted.

    There is none below 5 datasets or 3 models. Controls are left out. If likelihood kinds must not be mixed, each has
    its own diagram.
    """
    figures = {}
    for one in rankings(run.leaderboard()):
        if one.ranks.critical_difference is not None:
            stem = f"critical_difference-{one.likelihood}" if one.likelihood else "critical_difference"
            figures[stem] = _figure(one)
    return figures


def _figure(one: Ranking) -> DataFigure:
    """Draw an axis of ranks, best on the left, with names on both sides and the cliques between."""
    ranks, style = one.ranks, current_style()
    k, half, bars = len(one.models), (len(one.models) + 1) // 2, BAR * (len(ranks.cliques) + 1)
    longest = min(LONGEST, max(len(model.name) for model in one.models))
    letter = AXIS / style.letters(AXIS, "font.size")  # inches of one
    figure = new_figure(AXIS + 2 * letter * (longest + 6), LINE * (ABOVE + bars + half) + 1.3)
    room = style.letters(SIDE * figure.get_figwidth(), "font.size") - 6  # beside a rank
    names = distinct((model.name for model in one.models), max(8, min(LONGEST, room)))
    panel = figure.subplots()
    panel.set(
        xlim=(1, k), xticks=range(1, k + 1, -(-k // TICKS)), ylim=(bars + half, -ABOVE)
    )  # ranks, and lines below the axis
    figure.data = _frame(one)
    _axis(panel, ranks.critical_difference or 0.0)
    for i, (model, rank) in enumerate(zip(figure.data["model"], figure.data["average_rank"], strict=True)):
        left = i < half
        y, end = bars + min(i, k - 1 - i) + 0.5, 1.0 if left else float(k)
        panel.plot([rank, rank, end], [0, y, y], color=INK, lw=0.8, clip_on=False)
        text = f"{names[model]}  {rank:.2f}" if left else f"{rank:.2f}  {names[model]}"
        side, shift = ("right", -4) if left else ("left", 4)  # typographic points from the end of the line
        panel.annotate(text, (end, y), (shift, 0), textcoords="offset points", va="center", ha=side)
    for i, clique in enumerate(ranks.cliques, 1):
        ends = ranks.average[clique[0]] - 0.04, ranks.average[clique[-1]] + 0.04
        panel.plot(ends, [BAR * i, BAR * i], color=BLUE, lw=3.5, solid_capstyle="round", clip_on=False)
    p = "< 0.001" if ranks.p is not None and ranks.p < 0.001 else f"= {ranks.p:.3f}"
    figure.suptitle(f"Average rank by {card_of(one.metric).label} over {ranks.datasets} datasets, 1 is best")
    figure.supxlabel(
        "A bar joins models that do not differ significantly (Nemenyi's test, 5 %); CD is the least difference that is "
        f"significant. Friedman's test that all are alike: p {p}."
    )
    return figure


def _frame(one: Ranking) -> pd.DataFrame:
    """Return a tidy frame: a row for each model, best first, with the numbers of the bars that it lies under."""
    names, ranks = [model.name for model in one.models], one.ranks
    bars = [" ".join(str(i) for i, clique in enumerate(ranks.cliques, 1) if m in clique) for m in range(len(names))]
    facts = {"metric": one.metric, "critical_difference": ranks.critical_difference, "bars": bars}
    frame = pd.DataFrame({"model": names, "average_rank": ranks.average, **facts})
    return frame.sort_values("average_rank", kind="stable", ignore_index=True)


def _axis(panel: Axes, difference: float) -> None:
    """Put the axis of ranks at height 0, and above it the critical difference as a ruler."""
    seaborn.despine(ax=panel, left=True, bottom=True, top=False)
    panel.spines["top"].set_position(("data", 0))
    panel.xaxis.tick_top()
    panel.set_yticks([])
    start, end, y = 1.0, 1 + difference, -1.7
    panel.plot([start, start, start, end, end, end], y + np.array([1, -1, 0, 0, -1, 1]) * 0.2, color=INK, lw=1.2)
    panel.text((start + end) / 2, -2.0, f"CD = {difference:.2f}", ha="center", va="bottom")
