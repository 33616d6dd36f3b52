"""The figure of a search: how far configurations are behind the best, in their order and by each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.types import Array
from genbench.plotting.labels import plain, settle
from genbench.plotting.style import BLUE, FAILED, FAINT, INK, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Searched", "draw_search"]

WIDTH, HEIGHT = 3.4, 3.0  # inches of a panel
COLUMNS = 3
ROOM = 3.0  # by hand: times the height of the better half that is shown; what is worse stands at the upper edge


@dataclass(frozen=True)
class Searched:
    """The configurations of a model, in their order.

    Attributes:
        behind: the best, [n]; NaN of one that failed. The first one is the default.
        values: of each parameter, None where a configuration leaves it at its default for the data.
        logarithmic: parameters that are searched by factors.
        unit: of `behind`.
    """

    title: str
    behind: Array
    values: Mapping[str, Sequence[Any]]
    logarithmic: Sequence[str]
    unit: str


def draw_search(searched: Searched) -> Figure:
    """Return the figure: a panel in the order of the search, and one for each parameter."""
    from genbench.plotting.canvas import new_figure

    panels = 1 + len(searched.values)
    columns = min(COLUMNS, panels)
    rows = ceil(panels / columns)
    figure = new_figure(WIDTH * columns + 0.4, HEIGHT * rows + 0.6)
    places = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for place in places[panels:]:
        place.remove()
    top = _top(searched.behind)
    _draw_order(places[0], searched, top)
    for place, (name, values) in zip(places[1:], searched.values.items(), strict=False):
        _draw_parameter(place, searched, name, values, top)
    for i, place in enumerate(places[:panels]):
        place.set_ylim(-0.06 * top, 1.12 * top)
        place.grid(True)
        if i % columns == 0:
            place.set_ylabel(f"behind the best, {searched.unit}")
    figure.suptitle(searched.title)
    figure.supxlabel("line: best so far · hollow: the default · ring: the best · ×: failed · ▲: worse than is shown")
    settle(figure)
    return figure


def _top(behind: Array) -> float:
    """Return the upper end of what is shown: far worse configurations must not press the others flat."""
    known = behind[np.isfinite(behind)]
    if not len(known) or not known.max():
        return 1.0
    return float(min(known.max(), ROOM * np.median(known)) or known.max())


def _draw_order(axes: Axes, searched: Searched, top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    order = np.arange(1.0, len(searched.behind) + 1)
    _points(axes, order, searched.behind, top)
    filled = np.where(np.isfinite(searched.behind), searched.behind, np.inf)
    so_far = np.minimum.accumulate(filled)
    shown = np.where(np.isfinite(so_far), np.minimum(so_far, 1.05 * top), np.nan)
    axes.step(order, shown, where="post", color=INK, lw=1.2)
    axes.set(xlabel="configuration, in their order")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_parameter(axes: Axes, searched: Searched, name: str, values: Sequence[Any], top: float) -> None:
    from matplotlib.ticker import MaxNLocator

    known = np.array([value is not None for value in values])
    some = [value for value in values if value is not None]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in some)
    if numbers:
        x = np.array(some, dtype=np.float64)
    else:
        words = list(dict.fromkeys(map(str, some)))
        x = np.array([words.index(str(value)) for value in some], dtype=np.float64)
        axes.set_xticks(range(len(words)), words)
    _points(axes, x, searched.behind[known], top, default=bool(len(known)) and bool(known[0]))
    if numbers and name in searched.logarithmic:
        axes.set_xscale("log")
        plain(axes.xaxis)
    elif numbers and all(isinstance(value, int) for value in some):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=name)


def _points(axes: Axes, x: Array, behind: Array, top: float, default: bool = True) -> None:
    """Draw configurations; the first one is hollow, the best one stands out, failures and what is worse are above."""
    fine = np.isfinite(behind)
    high = fine & (behind > top)
    inside = fine & ~high
    axes.scatter(x[inside], behind[inside], s=24, color=BLUE, alpha=0.8, lw=0)
    axes.scatter(x[high], np.full(high.sum(), 1.05 * top), s=26, color=FAINT, marker="^", lw=0)
    axes.scatter(x[~fine], np.full((~fine).sum(), 1.05 * top), s=30, color=FAILED, marker="x", lw=1.4)
    if fine.any() and np.nanmin(behind) == 0:  # it may have left this parameter at its default
        best = int(np.nanargmin(behind))
        axes.scatter(x[best], behind[best], s=80, facecolors="none", edgecolors=VERMILLION, lw=1.6)
    if default and len(behind) and inside[0]:
        axes.scatter(x[0], behind[0], s=26, facecolors="white", edgecolors=BLUE, lw=1.4)
