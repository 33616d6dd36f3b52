"""Quality against training seconds, from runs with `--task curve`: a line a model, log-log."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.core.registry import discover
from genbench.figures.shared.panels import by_dataset, distinct
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import End, Look, name_ends, plain, styles
from genbench.plotting.ranges import comparable, limits
from genbench.plotting.style import INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

WIDTH = 5.6  # inches of a panel
LINE = 0.16  # inches of height for a name beside the ends of the lines
LONGEST = 24  # letters of it

PLACE = {"share", "steps", "train_seconds"}  # of a row of the curve; the rest are scores
CAPTION = (
    "One training run each, scored as it goes. The learning rate falls until its end, so a point before it "
    "is not what a shorter budget would give. Thin lines: seeds; thick: their geometric mean (mean where negative)."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `curve` for a single one, else `curve-<dataset>`; a panel a metric."""
    trials = [trial for trial in run.trials if trial.curve]
    datasets = [trial.dataset for trial in trials]
    return by_dataset(run, "curve", datasets, lambda name: _figure(name, [t for t in trials if t.dataset == name]))


def _figure(dataset: str, trials: list[TrialRecord]) -> Figure:
    discover(groups=("metrics",))
    models = list(dict.fromkeys(trial.model for trial in trials if trial.role == "model"))
    looks = styles(models)
    known = dict.fromkeys(name for trial in trials for row in trial.curve for name in row if name not in PLACE)
    metrics = sorted(known, key=lambda name: card_of(name).order)
    figure = new_figure(WIDTH * len(metrics), max(4.8, LINE * len(models) + 1.6))
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    written = distinct(looks, LONGEST)
    ends = {panel: _panel(panel, name, trials, looks, written) for panel, name in zip(panels, metrics, strict=True)}
    figure.suptitle(f"{dataset}: quality in the course of the training")
    infinite = any(not np.isfinite(row[name]) for trial in trials for row in trial.curve for name in row.keys() - PLACE)
    figure.supxlabel(CAPTION + " Infinite scores are left out." * infinite)
    name_ends(figure, ends)
    return figure


def _panel(
    panel: Axes, metric: str, trials: list[TrialRecord], looks: dict[str, Look], written: dict[str, str]
) -> list[End]:
    """Draw a thin line a seed and a thick one a model, and the oracle's mean; return the ends of the thick ones."""
    scores = np.array([row[metric] for t in trials for row in _scored(t, metric) if t.role != "oracle"])
    positive = bool(len(scores)) and scores.min() > 0
    ends = []
    for model, look in looks.items():
        curves = [_scored(t, metric) for t in trials if t.model == model]
        lines = [np.array([(row["train_seconds"], row[metric]) for row in rows]) for rows in curves if rows]
        for line in lines:
            panel.plot(*line.T, color=look["color"], lw=0.6, alpha=0.5)
        whole = [line for line in lines if len(line) == max(map(len, lines))]
        if whole:
            stack = np.stack(whole)  # (seeds, rows, 2)
            mean = np.exp(np.log(stack).mean(axis=0)) if positive else stack.mean(axis=0)
            panel.plot(*mean.T, lw=1.6, markersize=5, **look)
            ends.append(End(written[model], (float(mean[-1, 0]), float(mean[-1, 1])), look["color"]))
    floors = [rows[-1][metric] for t in trials if t.role == "oracle" and (rows := _scored(t, metric))]
    floor = float(np.mean(floors)) if floors else 0.0
    if floor > 0:
        panel.axhline(floor, color=INK, lw=1, linestyle="--")
        panel.annotate("oracle", (0.01, floor), xycoords=("axes fraction", "data"), va="bottom")
    card = card_of(metric)
    label = card.label + (f" ({card.unit})" if card.unit else "")
    panel.set(xscale="log", yscale="log" if positive else "linear", xlabel="training seconds", ylabel=label)
    plain(panel.xaxis)
    near = scores[comparable(scores)]
    if len(near) < len(scores):  # what is beyond leaves the panel
        panel.set_ylim(*((near.min() / 1.5, near.max() * 1.5) if positive else limits(near[:, None], 0.1)))
    if positive:
        plain(panel.yaxis)
    panel.grid(True, which="both")
    return ends


def _scored(trial: TrialRecord, metric: str) -> list[dict[str, float]]:
    """Return the rows of a curve that have a finite score."""
    return [row for row in trial.curve if np.isfinite(row.get(metric, np.nan))]
