"""Samples of image datasets: a grid of images of the truth and of every model, one figure a dataset."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import (
    by_dataset,
    datasets_of,
    first_seeds,
    levels_of,
    short,
    show_each,
    truth_or_stored,
)
from genbench.figures.shared.titles import head, number_of, order_of, room, score_line, seed_of
from genbench.plotting.canvas import panels
from genbench.plotting.image_grid import draw_mosaic, seen
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

SIDE = 6  # images along a side of a grid
COLUMNS = 4  # grids beside each other


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure an image dataset: `image_grids` for a single dataset, else `image_grids-<dataset>`."""
    return by_dataset(run, "image_grids", datasets_of(run, images=True), lambda name: _figure(run, name))


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    trials = first_seeds(run, dataset)
    real, levels = truth_or_stored(run, dataset, SIDE**2), levels_of(trials[0])
    limits = float(real.min()), float(real.max())
    counts: list[int] = []  # of samples that are shown
    figure, places = panels(len(trials) + 1, (3.0, 3.4), COLUMNS, gap=0.08)
    for panel in places:
        panel.set_axis_off()
    draw_mosaic(places[0], seen(real, levels, limits), SIDE)
    head(places[0], f"truth: {short(dataset, room(places[0]) - 7)}", f"{len(real)} images")

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        counts.append(len(samples[: SIDE**2]))
        draw_mosaic(panel, seen(samples[: SIDE**2], levels, limits), SIDE)
        head(panel, name, score_line(run, trial))

    show_each(run, places[1:], trials, show)
    figure.suptitle(f"{dataset}: {number_of(counts)} samples of {seed_of(trials)} each, {order_of(run, dataset)}")
    return figure
