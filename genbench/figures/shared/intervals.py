"""Points with their intervals, one below the other, as far as they fit on an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from genbench.core.types import Array
from genbench.display.numbers import brief
from genbench.plotting.ranges import comparable, extent_with

__all__ = ["draw_intervals", "log_extent"]


def log_extent(points: Array, ends: Array, stretch: float) -> tuple[float, float]:
    """Return the ends of a logarithmic axis for points [n] and nearby interval ends [m].

    Args:
        stretch: the factor by which an end may lie beyond the outermost point. An end that is farther away is cut
            there.
    """
    near, known = points[np.logical_and(comparable(points), points > 0)], ends[~np.isnan(ends)]
    with np.errstate(divide="ignore"):
        low, high = extent_with(np.log(near), np.log(known), reach=float(np.log(stretch)))
    return float(np.exp(low)), float(np.exp(high))


def draw_intervals(panel: Axes, its: pd.DataFrame, look: dict[str, Any]) -> None:
    """Draw points and intervals; arrows mark ends beyond the axis.

    A point beyond the axis is shown by its number.

    Args:
        its: columns `y`, `point`, `low` and `high`; the last two are NaN if there is no interval.
        look: style of the points, as keyword arguments of matplotlib; the lines have the same colour.
    """
    (low, high), colour = panel.get_xlim(), look["color"]
    panel.hlines(its["y"], its["low"].clip(low, high), its["high"].clip(low, high), color=colour, lw=1.8, zorder=2)
    for arrow, end, y in (("<", low, its.loc[its["low"] < low, "y"]), (">", high, its.loc[its["high"] > high, "y"])):
        if len(y):  # an empty line that may leave the panel takes room at the corner of the figure
            panel.plot([end] * len(y), y, ls="", marker=arrow, color=colour, ms=6, mew=0, clip_on=False, zorder=3)
    inside = its["point"].between(low, high)
    panel.plot(its.loc[inside, "point"], its.loc[inside, "y"], ls="", zorder=4, **look)
    for y, point in its.loc[~inside & its["point"].notna(), ["y", "point"]].itertuples(index=False):
        text, at, side = (f"{brief(point)} →", 0.97, "right") if point > high else (f"← {brief(point)}", 0.03, "left")
        panel.text(at, y, text, transform=panel.get_yaxis_transform(), ha=side, va="bottom")
