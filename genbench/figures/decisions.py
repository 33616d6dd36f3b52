"""Decision regions of each classifier in the plane, with labelled test points."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import stream
from genbench.core.types import Array, Labels
from genbench.figures.shared.panels import dataset_of, splits_of
from genbench.figures.shared.task_panels import of_task
from genbench.plotting.style import COLOURS, INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

POINTS = 300
YELLOW = "#F0E442"  # the colour of Okabe and Ito that lines and dots on white leave out


class Points(NamedTuple):
    """Points [n, 2], their labels [n], the number of classes, and a word for the points.

    The word says which points they are.
    """

    x: Array
    labels: Labels
    classes: int
    which: str


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of the plane that was classified, by file stem.

    The stem is `decisions` for a single dataset, else `decisions-<dataset>`.
    """
    return of_task(run, "decisions", "classify", _points, _frame, _show, _title)


def _points(trial: TrialRecord) -> Points:
    """Return fresh points; for recorded data, test points."""
    dataset = dataset_of(trial)
    if isinstance(dataset, SyntheticDataset):
        points, labels = dataset.labelled_sample(POINTS, stream(trial.seed, "shown"))
        which = "fresh"
    else:
        splits = splits_of(trial)
        points, labels, which = splits.test[:POINTS], splits.test_labels, "test"
    if labels is None:
        raise GenbenchError(f"{trial.dataset} has classes and gives no labels, so none of its points can be coloured")
    return Points(points, labels[:POINTS], dataset.classes or 1, which)


def _frame(trial: TrialRecord, stored: dict[str, Array]) -> pd.DataFrame:
    """Return one row per point of the square map, from the lower left: its place, likeliest class and probability."""
    left, right, bottom, top = stored["extent"]
    rows, columns, _ = stored["map"].shape
    y, x = np.meshgrid(np.linspace(bottom, top, rows), np.linspace(left, right, columns), indexing="ij")
    likeliest = {"class": stored["map"].argmax(axis=-1).ravel(), "p": np.exp(stored["map"].max(axis=-1)).ravel()}
    return pd.DataFrame({"model": trial.model, "seed": trial.seed, "x": x.ravel(), "y": y.ravel()} | likeliest)


def _show(panel: Axes, points: Points, frame: pd.DataFrame) -> None:
    """Draw the colours of the likeliest classes, paler where p(y | x) is near that of a guess."""
    side = isqrt(len(frame))
    classes, p = (frame[name].to_numpy().reshape(side, side) for name in ("class", "p"))
    guess, palette = 1 / max(2, points.classes), _palette(points.classes)
    share = 0.55 * ((p - guess) / (1 - guess))[..., None]
    left, right, bottom, top = (float(end) for axis in "xy" for end in (frame[axis].min(), frame[axis].max()))
    image = share * palette[classes] + 1 - share
    panel.imshow(image, extent=(left, right, bottom, top), origin="lower", interpolation="bilinear", aspect="auto")
    panel.scatter(points.x[:, 0], points.x[:, 1], s=6, c=palette[points.labels], edgecolors="white", linewidths=0.3)
    panel.set(xticks=[], yticks=[], xlim=(left, right), ylim=(bottom, top))


def _title(points: Points, frames: Sequence[pd.DataFrame]) -> str:
    return f"p(y | x), pale where a model is unsure, and {len(points.x)} {points.which} points"


def _palette(classes: int) -> Array:
    """Return a colour [classes, 3] for each class; which repeat from the ninth on."""
    return np.resize(to_rgba_array([*COLOURS[:-1], YELLOW, INK])[:, :3], (classes, 3))
