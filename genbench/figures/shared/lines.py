"""Lines of models over a logarithmic axis, with names at their ends.

Thick lines go through the seeds of a model; the oracle's line is dashed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genbench.core.types import Array
from genbench.figures.shared.panels import distinct, say_in
from genbench.figures.shared.titles import room
from genbench.plotting.labels import End, name_ends, styles
from genbench.plotting.ranges import comparable, limits
from genbench.plotting.style import INK, current_style
from genbench.plotting.ticks import plain, thin_numbers

__all__ = ["draw_lines", "height_of", "name_lines"]

Centre = str | Callable[[pd.Series], float]  # of the seeds' values: "mean", "median", or a function
NAMES = 0.4  # share of a panel's width for names beside it, at most; by hand
LINE = 0.16  # inches of height for a name


def height_of(frame: pd.DataFrame, least: float) -> float:
    """Return the height of a panel in inches.

    It leaves room for all names at the right, unless the style limits it.
    """
    return max(least, 0.0 if current_style().height else LINE * frame["model"].nunique() + 1.2)


def draw_lines(
    panel: Axes,
    frame: pd.DataFrame,
    models: list[str],
    x: str,
    centre: Centre,
    *,
    at: str = "",
    band: Callable[[pd.Series], tuple[float, float]] | None = None,
    also: Mapping[str, str] = {},
) -> list[End]:
    """Draw a thick line for each model, thin lines or a band for its seeds, and the oracle's.

    It returns the ends of the thick lines. A thick line has the places at which no seed is missing. Infinite values are
    left out. Values that are so far away that the other lines would coincide are outside the axes.

    Args:
        frame: one row per observation, with columns model, role, seed, value, and those that `x` and `at` name.
        models: all models of the figure; each has the same colour in all panels.
        x: the column with the places of seeds.
        centre: returns the centre of the seeds of a model at a place.
        at: the column with the places of thick lines, which are the same for all seeds of a model; `x` unless given.
        band: returns the ends of the interval of a centre; without it, each seed has a thin line.
        also: text after the name of a model.
    """
    at, looks = at or x, styles(models)
    frame = frame[np.isfinite(frame["value"])]
    its, oracle = frame[frame["role"] != "oracle"], frame[frame["role"] == "oracle"]
    if its.empty:
        say_in(panel, "no finite score")
        return []
    same: dict[str, Any] = {
        "y": "value", "hue": "model", "palette": {name: look["color"] for name, look in looks.items()},
        "legend": False, "ax": panel,
    }  # fmt: skip
    if band is None:
        seaborn.lineplot(its, x=x, units="seed", estimator=None, lw=0.6, alpha=0.5, **same)
    count = its.groupby(["model", at])["value"].transform("count")
    whole = its[count == count.groupby(its["model"]).transform("max")]
    seaborn.lineplot(
        whole, x=at, style="model", markers={name: look["marker"] for name, look in looks.items()}, dashes=False,
        estimator=centre, errorbar=band, err_kws={"alpha": 0.12, "lw": 0}, lw=1.6, ms=5, mew=0, **same,
    )  # fmt: skip
    positive = _scale(panel, frame["value"].to_numpy(), frame["role"].to_numpy() != "oracle")
    _oracle(panel, oracle[oracle["value"] > 0] if positive else oracle, at, centre)
    panel.grid(True, which="both")
    written = distinct(models, max(8, int(NAMES * room(panel, "font.size"))))
    last = whole.groupby(["model", at])["value"].agg(centre).reset_index().groupby("model").tail(1)
    ends = zip(*(last[column] for column in ("model", at, "value")), strict=True)
    return [End(written[name], (place, y), looks[name], also.get(name, "")) for name, place, y in ends]


def _scale(panel: Axes, values: Array, of_models: NDArray[np.bool_]) -> bool:
    """Let the axes be those of values that can be compared, logarithmic if the models' are positive; return whether."""
    near = comparable(values).astype(bool)
    positive = bool((near & of_models).any() and values[near & of_models].min() > 0)
    panel.set(xscale="log", yscale="log" if positive else "linear")
    plain(panel.xaxis)
    if positive:
        shown = values[near & (values > 0)]
        panel.set_ylim(shown.min() / 1.6, shown.max() * 1.6)
        plain(panel.yaxis)
    elif near.any():
        panel.set_ylim(*(float(end[0]) for end in limits(values[near, None], 0.08)))
    return positive


def _oracle(panel: Axes, frame: pd.DataFrame, at: str, centre: Centre) -> None:
    """Draw the oracle's values, dashed: one where they depend on nothing, else a line."""
    if frame.empty:
        return
    if frame[at].nunique() > 1:
        line = frame.groupby(at)["value"].agg(centre)
        panel.plot(line.index, line, color=INK, lw=1, linestyle="--")
        end = 0 if line.iloc[0] <= line.iloc[-1] else -1  # the lower one, below which nothing else is
        place: dict[str, Any] = {"xy": (line.index[end], line.iloc[end]), "xytext": (0, -3), "va": "top"}
        place["ha"] = "right" if end else "left"
    else:
        value = frame["value"].agg(centre)
        panel.axhline(value, color=INK, lw=1, linestyle="--")
        place = {"xy": (0.01, value), "xycoords": ("axes fraction", "data"), "xytext": (0, 3), "va": "bottom"}
    panel.annotate("oracle", **place, textcoords="offset points")


def name_lines(figure: Figure, ends: Mapping[Axes, Sequence[End]]) -> None:
    """Lay out a figure of lines, and write the names of models at the ends of their lines.

    Numbers on the axis that would overlap are left out.
    """
    name_ends(figure, ends)
    for panel in ends:
        thin_numbers(panel)
