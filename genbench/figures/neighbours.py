"""Samples of image datasets beside their nearest training pictures, so that copies can be seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genbench.dataset import Array, Splits
from genbench.figures.image_grids import mosaic
from genbench.figures.samples import first, is_image
from genbench.metrics.neighbours import neighbours
from genbench.record import TrialRecord
from genbench.rescoring import load_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["Rows", "draw", "rows_of"]

SIDE = 6  # rows of a panel, and pictures in a row: a sample and its nearest training pictures
SEARCHED = 500  # samples of which the suspicious ones are shown
COLUMNS = 4  # panels beside each other
CAPTION = (
    "In each row a sample and its nearest training pictures, by all pixels. First the first samples, then those of\n"
    f"the first {SEARCHED} that lie nearest to one. Below a name: the median distance to the nearest training picture."
)


class Rows(NamedTuple):
    """Pictures [SIDE · SIDE, c, h, w], row by row, and the median distance to the nearest training picture."""

    pictures: Array
    median: float


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure an image dataset: `neighbours` for a single dataset, else `neighbours-<dataset>`."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    many = len(datasets) > 1
    images = [name for name in datasets if is_image(run, name)]
    return {f"neighbours-{name}" if many else "neighbours": _figure(run, name) for name in images}


def rows_of(x: Array, train: Array) -> Rows:
    """Return pictures of x [n, c, h, w], each followed by its nearest of train [m, c, h, w], nearest first.

    First the first of x, then those of the first `SEARCHED` with the least distance to a training picture. Where there
    are too few pictures, places are NaN.
    """
    x = x[:SEARCHED]
    k = min(SIDE - 1, len(train))
    distances, indices = neighbours(x.reshape(len(x), -1), train.reshape(len(train), -1), k)
    half = SIDE // 2
    chosen = [*range(half), *np.argsort(distances[half:, 0], kind="stable")[: SIDE - half] + half][: len(x)]
    pictures = np.full((SIDE, SIDE, *x.shape[1:]), np.nan)
    pictures[: len(chosen), 0], pictures[: len(chosen), 1 : 1 + k] = x[chosen], train[indices[chosen]]
    return Rows(pictures.reshape(-1, *x.shape[1:]), float(np.median(distances[:, 0])))


def _figure(run: Run, dataset: str) -> Figure:
    """Draw test pictures, then each model's first seed that did not fail, in the order of the leaderboard."""
    from matplotlib.figure import Figure

    order = [row.model for row in run.leaderboard().rows if row.dataset == dataset]
    trials = [first([t for t in run.trials if t.dataset == dataset and t.model == model]) for model in order]
    splits_of = _splits_of(trials)
    truth = splits_of(trials[0].seed)
    limits = float(truth.train.min()), float(truth.train.max())
    real = rows_of(truth.test, truth.train)
    columns = min(COLUMNS, len(trials) + 1)
    rows = -(-(len(trials) + 1) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.4 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": 0.08}).ravel()
    for panel in panels:
        panel.set_axis_off()
    _show(panels[0], real, limits, f"test pictures: {dataset}\n{real.median:.3g}")
    for panel, trial in zip(panels[1:], trials, strict=False):
        samples = run.samples(trial.key)
        title = trial.model if len(trial.model) < 28 else trial.model[:26] + "…"
        if trial.status != "ok" or samples is None:
            panel.text(0.5, 0.5, trial.status, transform=panel.transAxes, ha="center", va="center", color="#D55E00")
            panel.set_title(title, fontsize=10)
        else:
            found = rows_of(samples, splits_of(trial.seed).train)
            _show(panel, found, limits, f"{title}\n{found.median:.3g} (test pictures {real.median:.3g})")
    figure.suptitle(f"{dataset}: samples and their nearest training pictures", fontsize=12)
    figure.supxlabel(CAPTION, fontsize=7.5, color="#555555")
    return figure


def _splits_of(trials: list[TrialRecord]) -> Callable[[int], Splits]:
    """Return the function that gives the splits of a seed, made again by the spec of its first trial."""
    specs = {trial.seed: trial.spec for trial in reversed(trials)}

    @cache
    def splits_of(seed: int) -> Splits:
        return load_data(specs[seed])[1]

    return splits_of


def _show(panel: Axes, rows: Rows, limits: tuple[float, float], title: str) -> None:
    """Draw rows of pictures whose values go from one limit to the other, with a line after the first of each row."""
    low, high = limits
    grid = np.nan_to_num(np.clip((mosaic(rows.pictures, SIDE) - low) / (high - low), 0, 1), nan=1.0)
    panel.imshow(grid.repeat(3 // grid.shape[2], axis=2), interpolation="nearest")
    height, width = ((length + 1) / SIDE for length in grid.shape[:2])
    panel.axvline(width - 1, color="#0072B2", lw=1.5)
    panel.axhline(SIDE // 2 * height - 1, color="#0072B2", lw=0.8, linestyle=":")
    panel.set_title(title, fontsize=10)
