"""Where each classifier sees which class, on maps of the plane, with test points in the colours of their classes."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import stream
from genbench.core.types import Array, Labels
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.figures.shared.panels import dataset_of, distinct, even, of_task, panels
from genbench.plotting.style import COLOURS, INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

POINTS = 300
YELLOW = "#F0E442"  # the colour of Okabe and Ito that lines and dots on white leave out


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset of the plane that was classified: `decisions`, or `decisions-<dataset>`."""
    return of_task(run, "decisions", "classify", lambda place, trials: _figure(run, place, trials))


def _figure(run: RunData, place: str, trials: list[TrialRecord]) -> Figure:
    """Mix the colours of the classes by p(y | x): pure where a model is sure, pale where it is not."""
    dataset = dataset_of(trials[0])
    points, labels, which = _points(trials[0], dataset)
    figure, places = panels(len(trials), (2.9, 2.6), even(len(trials), (4, 5)), margin=0.5)
    names = distinct(trial.model for trial in trials)
    for panel, trial in zip(places, trials, strict=True):
        stored = run.arrays(trial.key)
        left, right, bottom, top = stored["extent"]
        panel.imshow(
            _mixed(np.exp(stored["map"])), extent=(left, right, bottom, top), origin="lower", interpolation="bilinear"
        )
        colours = _palette(dataset.classes or 1)[labels]
        panel.scatter(points[:, 0], points[:, 1], s=6, c=colours, edgecolors="white", linewidths=0.3)
        value = trial.metrics.get("accuracy")
        score = "" if value is None else f"\naccuracy {100 * value:.2f} %"
        panel.set_title(names[trial.model] + score)
        panel.set(xticks=[], yticks=[], xlim=(left, right), ylim=(bottom, top), aspect="auto")
    figure.suptitle(f"{place}: p(y | x), pale where a model is unsure, and {len(points)} {which} points")
    return figure


def _points(trial: TrialRecord, dataset: Dataset) -> tuple[Array, Labels, str]:
    """Return points [n, 2] with their labels [n], and which they are: fresh ones, of recorded data test points."""
    if isinstance(dataset, SyntheticDataset):
        points, labels = dataset.labelled_sample(POINTS, stream(trial.seed, "shown"))
        which = "fresh"
    else:
        splits = ResolvedTrial.of(trial.spec).splits
        points, labels, which = splits.test[:POINTS], splits.test_labels, "test"
    if labels is None:
        raise GenbenchError(f"{trial.dataset} has classes and gives no labels, so none of its points can be coloured")
    return points, labels[:POINTS], which


def _palette(classes: int) -> Array:
    """Return a colour [classes, 3] for each class; from the ninth on they come again."""
    return np.resize(to_rgba_array([*COLOURS[:-1], YELLOW, INK])[:, :3], (classes, 3))


def _mixed(proba: Array) -> Array:
    """Return an image [g, g, 3]: the likeliest class's colour, mixed with white as p falls to that of a guess."""
    classes = proba.shape[-1]
    sure = (proba.max(axis=-1, keepdims=True) - 1 / classes) / (1 - 1 / classes)
    share = 0.55 * sure
    mixed: Array = share * _palette(classes)[proba.argmax(axis=-1)] + 1 - share
    return mixed
