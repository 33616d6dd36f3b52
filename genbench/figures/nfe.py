"""Quality against network evaluations a sample, from the sweeps of a run (`genbench sweep`): a line a model."""

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
from genbench.plotting.ranges import comparable
from genbench.plotting.style import INK
from genbench.runs.sweep import Point, read_sweeps, summary

__all__ = ["draw"]

WIDTH = 5.6  # inches of a panel
LINE = 0.16  # inches of height for a name beside the ends of the lines
LONGEST = 24  # letters of it


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `nfe` for a single one, else `nfe-<dataset>`; a panel a metric."""
    here = {trial.dataset for trial in run.trials}
    points = [point for point in summary(read_sweeps(run)) if point.nfe and point.scores and point.dataset in here]
    datasets = [point.dataset for point in points]
    return by_dataset(run, "nfe", datasets, lambda name: _figure(name, [p for p in points if p.dataset == name]))


def _figure(dataset: str, points: list[Point]) -> Figure:
    discover(groups=("metrics",))
    names = list(dict.fromkeys(name for point in points for name in point.scores))
    looks = styles(list(dict.fromkeys(point.model for point in points)))
    figure = new_figure(WIDTH * len(names), max(4.4, LINE * len(looks) + 1.2))
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    written = distinct(looks, LONGEST)
    ends = {panel: _panel(panel, name, points, looks, written) for panel, name in zip(panels, names, strict=True)}
    infinite = any(not np.isfinite(p.scores[metric][0]) for p in points for metric in names if metric in p.scores)
    left_out = "; infinite scores are left out" * infinite
    figure.suptitle(f"{dataset}: quality against network evaluations (band: 95 % interval over seeds{left_out})")
    name_ends(figure, ends)
    return figure


def _panel(panel: Axes, metric: str, points: list[Point], looks: dict[str, Look], written: dict[str, str]) -> list[End]:
    """Draw a line a model with its band, and the oracle's mean; return the ends of the lines."""
    ends = []
    known = [p for p in points if metric in p.scores and np.isfinite(p.scores[metric][0])]
    for model, look in looks.items():
        line = sorted((p for p in known if p.model == model), key=lambda p: p.nfe or 0)
        if not line:
            continue
        x, y = [p.nfe or 0 for p in line], [p.scores[metric][0] for p in line]
        panel.plot(x, y, markersize=5, lw=1.4, **look)
        low, high = np.array([p.scores[metric][1:] for p in line], dtype=np.float64).T  # NaN where a seed is alone
        panel.fill_between(x, np.maximum(low, np.abs(y) / 100), high, color=look["color"], alpha=0.12, lw=0)
        ends.append(End(written[model], (x[-1], y[-1]), look["color"]))
    floors = [p.floors[metric] for p in points if np.isfinite(p.floors.get(metric, np.nan))]
    if floors:
        panel.axhline(floors[0], color=INK, lw=1, linestyle="--")
        panel.annotate("oracle", (0.01, floors[0]), xycoords=("axes fraction", "data"), va="bottom")
    means = np.array([p.scores[metric][0] for p in known])
    means = means[comparable(means)]
    positive = bool(len(means)) and means.min() > 0
    panel.set(
        xscale="log",
        yscale="log" if positive else "linear",
        xlabel="network evaluations a sample (NFE)",
        ylabel=card_of(metric).label,
    )
    if positive:
        panel.set_ylim(0.6 * min([*means, *(floor for floor in floors[:1] if floor > 0)]), 1.7 * max(means))
    elif len(means):
        room = 0.08 * (max(means) - min(means)) or 0.1
        panel.set_ylim(min([*means, *floors[:1]]) - room, max(means) + room)
    plain(panel.xaxis)
    if positive:
        plain(panel.yaxis)
    panel.grid(True, which="both")
    return ends
