"""Samples of image datasets: a grid of pictures of the truth and of every model, one figure a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.dataset import Array
from genbench.panels import by_dataset, datasets_of, first_seeds, panels, score_line, show_each, truth
from genbench.record import TrialRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw", "mosaic"]

SIDE = 6  # pictures along a side of a grid
COLUMNS = 4  # grids beside each other


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure an image dataset: `image_grids` for a single dataset, else `image_grids-<dataset>`."""
    return by_dataset(run, "image_grids", datasets_of(run, images=True), lambda name: _figure(run, name))


def mosaic(x: Array, side: int = SIDE) -> Array:
    """Return the first side² pictures of x [n, c, h, w] as one, [side · (h + 1) − 1, side · (w + 1) − 1, 3 or 1].

    Lines of NaN, one pixel wide, part them; a place without a picture is NaN, too. Of channels other than three, the
    first is shown.
    """
    c, h, w = x.shape[1:]
    shown = x[: side**2] if c == 3 else x[: side**2, :1]
    cells = np.full((side**2, shown.shape[1], h + 1, w + 1), np.nan)
    cells[: len(shown), :, :h, :w] = shown
    rows = cells.reshape(side, side, -1, h + 1, w + 1).transpose(0, 3, 1, 4, 2)  # (row, h, column, w, c)
    return rows.reshape(side * (h + 1), side * (w + 1), -1)[:-1, :-1]


def _figure(run: Run, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    trials = first_seeds(run, dataset)
    real = truth(trials[0], SIDE**2)
    limits = float(real.min()), float(real.max())
    figure, places = panels(len(trials) + 1, (3.0, 3.4), COLUMNS, gap=0.08)
    for panel in places:
        panel.set_axis_off()
    _show(places[0], real, limits, f"truth: {dataset}")

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        _show(panel, samples, limits, name + score_line(run, trial))

    show_each(run, places[1:], trials, show)
    figure.suptitle(f"{dataset}: {SIDE**2} samples each, of the first seed that did not fail", fontsize=12)
    return figure


def _show(panel: Axes, x: Array, limits: tuple[float, float], title: str) -> None:
    """Draw pictures x [n, c, h, w] whose values go from one limit to the other; what is beyond is cut off."""
    low, high = limits
    grid = np.clip((mosaic(x) - low) / (high - low), 0, 1)
    panel.imshow(np.nan_to_num(grid, nan=1.0).repeat(3 // grid.shape[2], axis=2), interpolation="nearest")
    panel.set_title(title, fontsize=10)
