"""How figures of trained models lay out their panels: rows that follow a model through time."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from matplotlib.axes import Axes

from genbench.figures.shared.panels import distinct
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import USED
from genbench.plotting.canvas import DataFigure, new_figure
from genbench.plotting.style import current_style

__all__ = ["rows_of_panels"]

WIDTH = 1.75  # inches of a panel


def rows_of_panels(
    view: SamplePanel, names: Sequence[str], columns: int, width: float = WIDTH, lines: int = 1
) -> tuple[DataFigure, list[list[Axes]]]:
    """Return a figure with a row of panels, so many inches wide, for each name, which is written at its left.

    Above each panel is room for so many lines. A style of limited height may have room for the first rows alone.
    """
    height, count = width * view.aspect + 0.1 + 0.18 * lines, len(names)
    names = names[: current_style().below(height, count)]
    letters = current_style().letters(USED * height, "axes.titlesize")  # that fit beside a row
    figure = new_figure(width * columns + 0.4, height * len(names) + 0.5)
    grid = figure.subplots(len(names), columns, squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03})
    figure.leave_out(len(names), count, "models")
    written = distinct(names, 2 * letters)
    for panels, name in zip(grid, names, strict=True):
        panels[0].annotate(
            "\n".join(wrap(written[name], letters)),
            (0, 0.5),
            xytext=(-8, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="center",
            fontsize=current_style().points("axes.titlesize"),
        )
        for panel in panels:
            panel.set(xticks=[], yticks=[])
    return figure, [list(panels) for panels in grid]
