"""A heat map with its numbers, by seaborn; cells without a number are hatched."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import DataFigure, new_figure
from genbench.plotting.style import FAILED, FAINT, current_style

__all__ = ["fitting_rows", "heat_figure"]

LONGEST, BESIDE, NARROW = (12, 26), 16, 8  # letters of a name; of one with room beside another; of a line in a cell
ROW, BESIDE_ROWS = 1.3, 1.3  # least height of a row by that of its letters; inches of titles, names and notes
CELL, LETTER, MORE = 8, 0.58, 1.8  # letters of a number, width of one by its height, inches for the colour bar


def fitting_rows() -> int | None:
    """Return how many rows a heat map has room for in the present style; None if any number."""
    style = current_style()
    line = ROW * style.points("font.size") / 72
    return None if style.height is None else int((style.height - BESIDE_ROWS * style.scale) / line)


def heat_figure(
    values: pd.DataFrame, texts: pd.DataFrame, *, norm: Normalize, cmap: str, label: str
) -> tuple[DataFigure, Axes, Axes]:
    """Return a figure, its panel, and the panel of its colour bar.

    Args:
        values: values of the cells, rows × columns; a cell with NaN is hatched.
        texts: texts in the cells; in a hatched one, why it failed, or "" if it was not run.
        label: label of the colour bar.
    """
    rows, columns = values.shape
    figure = new_figure(1.25 * columns + 3.6, 0.36 * rows + 2.4)
    panel = figure.subplots()
    shown = values.clip(norm.vmin, norm.vmax)  # values beyond have the colour of the end
    bar = {"shrink": 0.8, "pad": 0.02, "label": label}
    seaborn.heatmap(shown, annot=texts, fmt="", norm=norm, cmap=cmap, cbar_kws=bar, ax=panel)
    for y, x in np.argwhere(values.isna().to_numpy()):
        why = str(texts.iat[y, x])
        colour = FAILED if why else FAINT
        panel.add_patch(Rectangle((x, y), 1, 1, hatch="////", fc="white", ec=colour, lw=0, alpha=0.5))
        panel.text(
            x + 0.5, y + 0.5, fill(why, NARROW, break_long_words=False), ha="center", va="center", color=colour,
            linespacing=0.9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
    style = current_style()
    letter = LETTER * style.points("font.size") / 72
    room = figure.get_figwidth() - MORE * style.scale - columns * CELL * letter  # what the numbers leave
    longest = int(np.clip(room / letter, *LONGEST))
    names = list(distinct(values.columns, 30).values())
    crowded = columns > 3 or (columns > 1 and max(map(len, names)) > BESIDE)
    slanted: dict[str, Any] = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if crowded else {"rotation": 0}
    panel.set_xticks(np.arange(columns) + 0.5, names, **slanted)
    panel.set_yticks(np.arange(rows) + 0.5, list(distinct(values.index, longest).values()), rotation=0)
    panel.tick_params(length=0)
    panel.set(xlabel="", ylabel="")
    return figure, panel, panel.collections[0].colorbar.ax  # type: ignore[union-attr]
