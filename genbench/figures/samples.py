"""Samples side by side: the truth and every model on the same axes, one picture a dataset of points or rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from genbench.dataset import Array, Dataset
from genbench.parameters import create
from genbench.record import TrialRecord
from genbench.registry import REGISTRY, discover
from genbench.seeding import stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = ["draw", "first", "is_image", "score_line"]

POINTS = 4_000
COLUMNS = 5
TRUTH, MODEL, CONTROL = "#222222", "#0072B2", "#999999"  # Okabe and Ito's blue is told from black and grey by everybody


def draw(run: Run) -> dict[str, Figure]:
    """Return one figure a dataset: `samples` for a single one, else `samples-<dataset>`."""
    datasets = list(dict.fromkeys(trial.dataset for trial in run.trials))
    many = len(datasets) > 1
    plain = [name for name in datasets if not is_image(run, name)]
    return {f"samples-{name}" if many else "samples": _figure(run, name) for name in plain}


def is_image(run: Run, dataset: str) -> bool:
    """Whether a dataset of a run holds images, which no scatter plot shows."""
    spec = next(trial.spec for trial in run.trials if trial.dataset == dataset)
    discover(spec.plugins)
    return bool(REGISTRY["datasets"][spec.dataset_name].kind == "image")


def _figure(run: Run, dataset: str) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    from matplotlib.figure import Figure

    board = run.leaderboard()
    order = [row.model for row in board.rows if row.dataset == dataset]
    trials = [first([t for t in run.trials if t.dataset == dataset and t.model == model]) for model in order]
    truth = _truth(trials[0], POINTS)
    project = _projection(truth)
    truth = project(truth)
    low, high = np.quantile(truth, 0.001, axis=0), np.quantile(truth, 0.999, axis=0)
    margin = 0.12 * (high - low)
    columns = min(COLUMNS, len(trials) + 1)
    rows = -(-(len(trials) + 1) // columns)
    aspect = np.clip((high - low)[1] / (high - low)[0], 0.4, 1.2)
    figure = Figure(figsize=(2.7 * columns, (2.5 * aspect + 0.6) * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    _scatter(panels[0], truth, TRUTH, f"truth: {dataset}")
    for panel, trial in zip(panels[1:], trials, strict=False):
        samples = run.samples(trial.key)
        title = trial.model if len(trial.model) < 28 else trial.model[:26] + "…"
        if trial.status != "ok" or samples is None:
            panel.text(0.5, 0.5, trial.status, transform=panel.transAxes, ha="center", va="center", color="#D55E00")
            panel.set_title(title, fontsize=10)
        else:
            colour = MODEL if trial.role == "model" else CONTROL
            _scatter(
                panel,
                project(samples[:POINTS].reshape(len(samples[:POINTS]), -1)),
                colour,
                title + score_line(run, board.sort, trial),
            )
    for panel in panels:
        panel.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        panel.set(xticks=[], yticks=[], aspect="equal" if max(high - low) < 4 * min(high - low) else "auto")
    for panel in panels[len(trials) + 1 :]:
        panel.set_axis_off()
    seeds = Counter(trial.seed for trial in trials).most_common(1)[0][0]
    axes = "" if project is _keep else ", first two principal components"
    figure.suptitle(f"{dataset}: {POINTS:,} samples of seed {seeds} each{axes}", fontsize=12)
    return figure


def first(trials: list[TrialRecord]) -> TrialRecord:
    """Return the trial of the least seed that did not fail; where all failed, of the least seed."""
    return min(trials, key=lambda trial: (trial.status != "ok", trial.seed))


def score_line(run: Run, metric: str | None, trial: TrialRecord) -> str:
    """Return a line with the score of a trial, to go below a title; empty where it has none."""
    value = trial.metrics.get(metric) if metric else None
    return f"\n{metric} {value:.3g}" if value is not None else ""


def _truth(trial: TrialRecord, n: int) -> Array:
    """Return points of the dataset of a trial, [n, d].

    Raises:
        GenbenchError: the dataset's plugin is not there any more.
    """
    discover(trial.spec.plugins)
    dataset: Dataset = create(REGISTRY["datasets"][trial.spec.dataset_name], trial.spec.dataset_params)
    points = dataset.reference(n, stream(trial.seed, "data"))
    if points[0].size < 2:
        points = np.stack([points.reshape(-1), np.zeros(len(points))], axis=1)
    return points.reshape(len(points), -1)


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
