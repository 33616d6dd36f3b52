"""Samples side by side: the truth and every model on the same axes, one picture a dataset of points or rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from genbench.dataset import Array
from genbench.panels import by_dataset, datasets_of, first_seeds, panels, score_line, show_each, truth
from genbench.record import TrialRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw"]

POINTS = 4_000
COLUMNS = 5
TRUTH, MODEL, CONTROL = "#222222", "#0072B2", "#999999"  # Okabe and Ito's blue is told from black and grey by everybody


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure a dataset: `samples` for a single one, else `samples-<dataset>`."""
    return by_dataset(run, "samples", datasets_of(run, images=False), lambda name: _figure(run, name))


def _figure(run: Run, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    trials = first_seeds(run, dataset)
    real = _flat(truth(trials[0], POINTS))
    project = _projection(real)
    real = project(real)
    low, high = np.quantile(real, 0.001, axis=0), np.quantile(real, 0.999, axis=0)
    margin = 0.12 * (high - low)
    aspect = float(np.clip((high - low)[1] / (high - low)[0], 0.4, 1.2))
    figure, places = panels(len(trials) + 1, (2.7, 2.5 * aspect + 0.6), COLUMNS)
    _scatter(places[0], real, TRUTH, f"truth: {dataset}")

    def show(panel: Axes, trial: TrialRecord, samples: Array, name: str) -> None:
        colour = MODEL if trial.role == "model" else CONTROL
        _scatter(panel, project(_flat(samples[:POINTS])), colour, name + score_line(run, trial))

    show_each(run, places[1:], trials, show)
    for panel in places:
        panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        panel.set(xticks=[], yticks=[], aspect="equal" if max(high - low) < 4 * min(high - low) else "auto")
    for panel in places[len(trials) + 1 :]:
        panel.set_axis_off()
    seeds = Counter(trial.seed for trial in trials).most_common(1)[0][0]
    axes = "" if project is _keep else ", first two principal components"
    figure.suptitle(f"{dataset}: {POINTS:,} samples of seed {seeds} each{axes}", fontsize=12)
    return figure


def _flat(points: Array) -> Array:
    """Return points [n, *shape] as [n, d], a single coordinate with a second that is 0."""
    flat = points.reshape(len(points), -1)
    return flat if flat.shape[1] > 1 else np.pad(flat, ((0, 0), (0, 1)))


def _projection(x: Array):  # type: ignore[no-untyped-def]
    """Return the map to the plane: the first two principal components of x [n, d] where d is not 2."""
    if x.shape[1] == 2:
        return _keep
    mean, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    axes = np.linalg.svd((x - mean) / scale, full_matrices=False)[2][:2]  # (2, d)
    return lambda points: ((points - mean) / scale) @ axes.T


def _keep(x: Array) -> Array:
    return x


def _scatter(panel: Axes, x: Array, colour: str, title: str) -> None:
    panel.scatter(x[:, 0], x[:, 1], s=1.2, alpha=0.5, color=colour, linewidths=0, rasterized=True)
    panel.set_title(title, fontsize=10)
