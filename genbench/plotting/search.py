"""The figure of a search: distance of configurations to the best one.

They are shown in their order, and by parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.types import Array
from genbench.plotting.canvas import settle
from genbench.plotting.style import BLUE, FAILED, FAINT, INK, VERMILLION
from genbench.plotting.ticks import plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from genbench.plotting.canvas import DataFigure

__all__ = ["Searched", "draw_search"]

WIDTH, HEIGHT = 3.4, 3.0  # inches of a panel
COLUMNS = 3
HUES = {"shown": BLUE, "worse": FAINT, "failed": FAILED}
MARKS = {"shown": "o", "worse": "^", "failed": "X"}
ROOM = 3.0  # by hand: times the height of the better half that is shown; worse ones are at the upper edge


@dataclass(frozen=True)
class Searched:
    """The configurations of a model, in their order.

    Attributes:
        behind: distance of each to the best, [n]; NaN if it failed. The first one is the default.
        values: values of each parameter; None where a configuration uses its default for the data.
        logarithmic: parameters that are searched by factors.
        unit: the unit of `behind`.
    """

    title: str
    behind: Array
    values: Mapping[str, Sequence[Any]]
    logarithmic: Sequence[str]
    unit: str


def draw_search(searched: Searched) -> DataFigure:
    """Return the figure: a panel in the order of the search, and one for each parameter."""
    import seaborn
    from matplotlib.ticker import MaxNLocator
    from pandas.api.types import is_numeric_dtype

    from genbench.plotting.canvas import in_first_column, panels

    figure, places = panels(1 + len(searched.values), (WIDTH, HEIGHT), COLUMNS, margin=0.6)
    frame = figure.data = _frame(searched)
    top = _top(searched.behind)
    for place, name in zip(places, frame.columns.drop("behind"), strict=False):
        _draw(place, frame, name, top)
        first = in_first_column(place)
        behind = f"behind the best, {searched.unit}" if first else ""
        place.set(xlabel=name, ylabel=behind, ylim=(-0.06 * top, 1.12 * top))
        place.tick_params(labelleft=first)
        place.grid(True)
        if not is_numeric_dtype(frame[name]):
            place.margins(x=0.25)  # words are wide
        elif name in searched.logarithmic:
            place.set_xscale("log")
            plain(place.xaxis)
        elif (frame[name].dropna() % 1 == 0).all():
            place.xaxis.set_major_locator(MaxNLocator(integer=True))
    places[0].set_xlabel("configuration, in their order")
    so_far = frame["behind"].fillna(np.inf).cummin().clip(upper=1.05 * top)
    seaborn.lineplot(x=frame["configuration"], y=so_far, drawstyle="steps-post", color=INK, lw=1.2, ax=places[0])
    figure.suptitle(searched.title)
    figure.supxlabel("line: best so far · hollow: the default · ring: the best · ×: failed · ▲: worse, beyond the axis")
    settle(figure)
    return figure


def _frame(searched: Searched) -> pd.DataFrame:
    """Return a tidy frame: a row for each configuration, with the values of its parameters; words are text."""
    import pandas as pd

    frame = pd.DataFrame({"configuration": range(1, len(searched.behind) + 1), "behind": searched.behind})
    for name, values in searched.values.items():
        known = [value for value in values if value is not None]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
        frame[name] = [value if value is None or numbers else str(value) for value in values]
    return frame


def _top(behind: Array) -> float:
    """Return the upper end of the axis, which leaves out configurations that are far worse."""
    known = behind[np.isfinite(behind)]
    if not len(known) or not known.max():
        return 1.0
    return float(min(known.max(), ROOM * np.median(known)) or known.max())


def _draw(panel: Axes, frame: pd.DataFrame, name: str, top: float) -> None:
    """Draw configurations by a column: the default hollow, the best ringed, far worse ones at the upper edge."""
    import seaborn

    its = frame[frame[name].notna()]  # the others have the parameter's default
    if its.empty:
        return
    state = np.select([its["behind"].isna(), its["behind"] > top], ["failed", "worse"], "shown")
    height = its["behind"].where(state == "shown", 1.05 * top)
    seaborn.scatterplot(
        x=its[name], y=height, hue=state, palette=HUES, style=state, markers=MARKS, s=30, linewidth=0, legend=False,
        ax=panel,
    )  # fmt: skip
    default, best = (its.index == 0) & (state == "shown"), (its["behind"] == 0) & ~its["behind"].duplicated()
    for which, size, inside, edge in ((default, 26, "white", BLUE), (best, 80, "none", VERMILLION)):
        if which.any():
            panel.scatter(its.loc[which, name], height[which], s=size, fc=inside, ec=edge, lw=1.5)
