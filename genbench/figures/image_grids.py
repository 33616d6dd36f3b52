"""Samples of image datasets: a grid of pictures of the truth and of every model, one figure a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.dataset import Array
from genbench.figures.samples import first, is_image, score_line
from genbench.parameters import create
from genbench.registry import REGISTRY
from genbench.seeding import stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw", "mosaic"]

SIDE = 6  # pictures along a side of a grid
COLUMNS = 4  # grids beside each other


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure an image dataset: `image_grids` for a single dataset, else `image_grids-<dataset>`."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    many = len(datasets) > 1
    images = [name for name in datasets if is_image(run, name)]
    return {f"image_grids-{name}" if many else "image_grids": _figure(run, name) for name in images}


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
    from matplotlib.figure import Figure

    board = run.leaderboard()
    order = [row.model for row in board.rows if row.dataset == dataset]
    trials = [first([t for t in run.trials if t.dataset == dataset and t.model == model]) for model in order]
    spec = trials[0].spec
    data = create(REGISTRY["datasets"][spec.dataset_name], spec.dataset_params)
    truth = data.reference(SIDE**2, stream(spec.seed, "data"))
    low, high = truth.min(), truth.max()
    columns = min(COLUMNS, len(trials) + 1)
    rows = -(-(len(trials) + 1) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.4 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": 0.08}).ravel()
    for panel in panels:
        panel.set_axis_off()
    _show(panels[0], truth, (low, high), f"truth: {dataset}")
    for panel, trial in zip(panels[1:], trials, strict=False):
        samples = run.samples(trial.key)
        title = trial.model if len(trial.model) < 28 else trial.model[:26] + "…"
        if trial.status != "ok" or samples is None:
            panel.text(0.5, 0.5, trial.status, transform=panel.transAxes, ha="center", va="center", color="#D55E00")
            panel.set_title(title, fontsize=10)
        else:
            _show(panel, samples, (low, high), title + score_line(run, board.sort, trial))
    figure.suptitle(f"{dataset}: {SIDE**2} samples each, of the first seed that did not fail", fontsize=12)
    return figure


def _show(panel: Axes, x: Array, limits: tuple[float, float], title: str) -> None:
    """Draw pictures x [n, c, h, w] whose values go from one limit to the other; what is beyond is cut off."""
    low, high = limits
    grid = np.clip((mosaic(x) - low) / (high - low), 0, 1)
    panel.imshow(np.nan_to_num(grid, nan=1.0).repeat(3 // grid.shape[2], axis=2), interpolation="nearest")
    panel.set_title(title, fontsize=10)
