"""Samples of labelled image datasets, one row per class as a classifier assigns them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array, Labels
from genbench.figures.shared.panels import by_dataset, dataset_of, datasets_of, first_seeds, show_each, truth
from genbench.figures.shared.titles import head, order_of, seed_of
from genbench.plotting.canvas import panels
from genbench.plotting.image_grid import draw_mosaic, seen

__all__ = ["NEEDS_WEIGHTS", "draw", "rows_of"]

NEEDS_WEIGHTS = True  # the classifier's
COLUMNS = 4  # panels beside each other
SIDE, LOOKED_AT = 10, 1_000  # classes, and images of each, at most; samples that are classified
SURE = 0.9  # as in the metric `confidence`
NOTE = (
    "A row is a class, assigned by a small classifier of the dataset's images. Samples are the first that were drawn, "
    "not the best. A gap: no more samples. Above: the share of samples with 90 % confidence."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per labelled image dataset, by file stem.

    The stem is `classes` for a single dataset, else `classes-<dataset>`.
    """
    names = [name for name in datasets_of(run, images=True) if dataset_of(first_seeds(run, name)[0]).classes]
    return by_dataset(run, "classes", names, lambda name: _figure(run, name))


def rows_of(x: Array, labels: Labels, classes: int) -> Array:
    """Return the first images of each class [SIDE · SIDE, c, h, w], one row per class.

    Places are NaN if a class has too few images.

    Args:
        x: images [n, c, h, w].
        labels: labels of x [n], 0 … classes − 1. If there are more than `SIDE` classes, the first are shown.
        classes: number of classes.
    """
    images = np.full((SIDE, SIDE, *x.shape[1:]), np.nan)
    for k in range(min(SIDE, classes)):
        its = x[labels == k][:SIDE]
        images[k, : len(its)] = its
    return images.reshape(-1, *x.shape[1:])


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard, after the truth."""
    from genbench.nn.image_classifier import classifier_of

    trials = first_seeds(run, dataset)
    known = dataset_of(trials[0])
    classifier, classes = classifier_of(known), known.classes or 0
    real = truth(trials[0], LOOKED_AT)
    limits = float(real.min()), float(real.max())
    figure, places = panels(len(trials) + 1, (3.2, 3.7), COLUMNS, margin=0.9, gap=0.06)
    for panel in places:
        panel.set_axis_off()

    def show(panel: Axes, x: Array, name: str) -> None:
        p = classifier.look(x).probabilities
        labels, sure = p.argmax(axis=1), float((p.max(axis=1) >= SURE).mean())
        draw_mosaic(panel, seen(rows_of(x, labels, classes), known.levels, limits), SIDE)
        head(panel, name, f"{100 * sure:.0f} % of {len(x):,} sure")

    show(places[0], real, f"truth: {dataset}")
    show_each(run, places[1:], trials, lambda panel, _, samples, name: show(panel, samples[:LOOKED_AT], name))
    figure.suptitle(f"{dataset}: samples by class, of {seed_of(trials)}, {order_of(run, dataset)}")
    figure.supxlabel(NOTE)
    return figure
