"""The figure of power: the probability of finding a worse model, by number of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from genbench.core.types import Array
from genbench.plotting.canvas import settle
from genbench.plotting.style import COLOURS, FAINT, INK, MARKERS
from genbench.plotting.ticks import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PowerPanel", "draw_power"]

WIDTH, HEIGHT = 4.6, 3.6  # inches of a panel
COLUMNS = 3


@dataclass(frozen=True)
class PowerPanel:
    """One panel: title, numbers of seeds [n], power of each amount [amounts, n], names."""

    title: str
    seeds: Array
    powers: Array
    names: Sequence[str]


def draw_power(panels: Sequence[PowerPanel], title: str, target: float, at_hand: Sequence[tuple[int, int]]) -> Figure:
    """Return the figure: a panel for each table, a line for each amount, and the wanted power.

    An amount is how much worse a model is.

    Args:
        target: the wanted power.
        at_hand: smallest and largest number of seeds of the models of each panel.
    """
    from genbench.plotting import canvas

    columns = min(COLUMNS, ceil(sqrt(len(panels))))
    figure, places = canvas.panels(len(panels), (WIDTH, HEIGHT), columns, margin=0.5)
    for place, panel, seeds in zip(places, panels, at_hand, strict=False):
        _draw(place, panel, target, seeds)
    figure.suptitle(title)
    settle(figure)
    return figure


def _draw(axes: Axes, panel: PowerPanel, target: float, at_hand: tuple[int, int]) -> None:
    axes.set(xscale="log", xlim=(panel.seeds.min() * 0.95, panel.seeds.max() * 1.05), ylim=(0, 103))
    axes.axvspan(at_hand[0] * 0.985, at_hand[1] * 1.015, color=FAINT, alpha=0.35, lw=0)
    axes.axhline(100 * target, color=INK, lw=1, linestyle="--")
    for i, (name, power) in enumerate(zip(panel.names, panel.powers, strict=True)):
        look = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        axes.plot(panel.seeds, 100 * power, lw=1.6, markersize=4.5, label=name, **look)  # type: ignore[arg-type]
    axes.legend(loc="lower right", title="worse by")
    axes.set(xlabel="seeds of each model (grey: at hand)", ylabel="called worse, % of runs", title=panel.title)
    plain(axes.xaxis)
    axes.set_xticks([n for n in (2, 3, 5, 10, 20, 50) if panel.seeds.min() <= n <= panel.seeds.max()])
    axes.set_yticks(np.arange(0, 101, 20))
    axes.grid(True)
