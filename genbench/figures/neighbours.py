"""Samples of image datasets beside their nearest training images, to detect copies."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import by_dataset, dataset_of, datasets_of, first_seeds, show_each, splits_of
from genbench.figures.shared.titles import head, number_of, seed_of
from genbench.metrics.neighbours import neighbours
from genbench.plotting.canvas import panels
from genbench.plotting.image_grid import draw_mosaic, seen
from genbench.plotting.style import BLUE
from genbench.storage.records import TrialRecord

__all__ = ["Rows", "draw", "rows_of"]

SIDE = 6  # rows of a panel, and images in a row: a sample and its nearest training images
SEARCHED = 500  # samples among which the nearest to training images are shown
COLUMNS = 4  # panels beside each other


class Rows(NamedTuple):
    """Images [SIDE · SIDE, c, h, w], and the median distance to the nearest training image.

    The images are in rows.
    """

    images: Array
    median: float


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per image dataset, by file stem.

    The stem is `neighbours` for a single dataset, else `neighbours-<dataset>`.
    """
    return by_dataset(run, "neighbours", datasets_of(run, images=True), lambda name: _figure(run, name))


def rows_of(x: Array, train: Array) -> Rows:
    """Return images of x [n, c, h, w], each followed by its nearest of train [m, c, h, w].

    They are sorted by that distance, the smallest first. The first images of x come first, then those among the first
    `SEARCHED` with the smallest distance to an image of train. Places are NaN if there are too few images.
    """
    x = x[:SEARCHED]
    k = min(SIDE - 1, len(train))
    distances, indices = neighbours(x.reshape(len(x), -1), train.reshape(len(train), -1), k)
    half = SIDE // 2
    chosen = [*range(half), *np.argsort(distances[half:, 0], kind="stable")[: SIDE - half] + half][: len(x)]
    images = np.full((SIDE, SIDE, *x.shape[1:]), np.nan)
    images[: len(chosen), 0], images[: len(chosen), 1 : 1 + k] = x[chosen], train[indices[chosen]]
    return Rows(images.reshape(-1, *x.shape[1:]), float(np.median(distances[:, 0])))


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw test images, then each model's first seed that did not fail, in the order of the leaderboard."""
    trials = first_seeds(run, dataset)
    first = {trial.seed: trial for trial in reversed(trials)}
    splits = cache(lambda seed: splits_of(first[seed]))  # of the first trial with a seed
    truth = splits(trials[0].seed)
    levels, limits = dataset_of(trials[0]).levels, (float(truth.train.min()), float(truth.train.max()))
    real = rows_of(truth.test, truth.train)
    figure, places = panels(len(trials) + 1, (3.0, 3.4), COLUMNS, margin=0.8, gap=0.08)
    for panel in places:
        panel.set_axis_off()
    _show(places[0], seen(real.images, levels, limits), f"test images: {dataset}", f"{real.median:.3g}")
    searched: list[int] = []

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        found = rows_of(samples, splits(trial.seed).train)
        searched.append(min(SEARCHED, len(samples)))
        median = f"{found.median:.3g} (test images {real.median:.3g})"
        _show(panel, seen(found.images, levels, limits), name, median)

    show_each(run, places[1:], trials, show)
    figure.suptitle(f"{dataset}: samples and their nearest training images, of {seed_of(trials)}")
    figure.supxlabel(
        "In each row a sample and its nearest training images, by all pixels. First the first samples, then those of "
        f"the first {number_of(searched or [SEARCHED])} that lie nearest to one. Below a name: the median distance to "
        "the nearest training image."
    )
    return figure


def _show(panel: Axes, images: Array, *title: str) -> None:
    """Draw rows of images [n, c, h, w] in [0, 1], with a line after the first of each row."""
    draw_mosaic(panel, images, SIDE)
    height, width = (length + 1 for length in images.shape[2:])
    panel.axvline(width - 1, color=BLUE, lw=1.5)
    panel.axhline(SIDE // 2 * height - 1, color=BLUE, lw=0.8, linestyle=":")
    head(panel, *title)
