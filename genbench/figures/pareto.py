"""Quality against cost: training, sampling, evaluations, parameters; models that none beats in both are marked."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, card_of
from genbench.core.types import Array
from genbench.display.numbers import brief
from genbench.figures.shared.panels import by_dataset, distinct
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import Look, beside, plain, settle, styles
from genbench.plotting.ranges import comparable
from genbench.plotting.style import INK

__all__ = ["draw", "front"]

LONGEST, WIDE = 36, 3.4  # letters of a name, and inches of one in a legend
PANELS = {
    "training seconds": lambda cost: cost["train_seconds"],
    "seconds for 1,000 samples": lambda cost: 1000 / cost["samples_per_second"] if cost["samples_per_second"] else None,
    "network evaluations a sample": lambda cost: cost["nfe"],
    "parameters": lambda cost: cost["parameters"],
}


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `pareto` for a single one, else `pareto-<dataset>`; controls are left out."""
    board = run.leaderboard()
    rows = [r for r in board.rows if r.role == "model" and r.place == r.dataset and _score(r, board) is not None]
    rows = [row for row in rows if any(_costs(row))]
    datasets = [row.dataset for row in rows]
    return by_dataset(
        run, "pareto", datasets, lambda name: _figure(board, name, [row for row in rows if row.dataset == name])
    )


def front(costs: Array, scores: Array) -> Array:
    """Return the indices, by rising cost, of the points whose score no point reaches at the same cost or less.

    Both are better when they are smaller.
    """
    best, found = np.inf, []
    for i in np.lexsort((scores, costs)):
        if scores[i] < best:
            best = scores[i]
            found.append(i)
    return np.array(found, dtype=int)


def _figure(board: Leaderboard, dataset: str, rows: list[Row]) -> Figure:
    looks = styles(sorted({row.model for row in board.rows}))  # alike on every dataset
    scores = {row.model: score for row in rows if (score := _score(row, board)) is not None}
    near = comparable(np.array(list(scores.values())))
    beyond = {model: scores.pop(model) for model, inside in zip(list(scores), near, strict=True) if not inside}
    places = {
        label: {row.model: (c, scores[row.model]) for row in rows if row.model in scores and (c := cost(row.cost))}
        for label, cost in PANELS.items()
    }
    shown = {label: points for label, points in places.items() if points}
    columns = max(1, min(2, len(shown)))
    height = max(1, -(-len(shown) // columns))
    figure = new_figure(5.4 * columns, 3.9 * height + 0.6)
    card = card_of(board.sorted_by(dataset) or "")
    unit = ", × oracle" if card.ratio else f" ({card.unit})" if card.unit else ""
    panels = figure.subplots(height, columns, squeeze=False, sharey=True).ravel()
    floor = next((row for row in board.rows if row.place == dataset and row.role == "oracle"), None)
    for panel, (label, points) in zip(panels, shown.items(), strict=False):
        _panel(panel, points, looks, card.higher_is_better, _score(floor, board) if floor else None)
        panel.set(xlabel=label, ylabel=f"{card.label}{unit}")
    for panel in panels[len(shown) :]:
        panel.set_axis_off()
    figure.suptitle(
        f"{dataset}: quality against cost (mean over seeds; ringed: no model is better at that cost or less)"
    )
    names = distinct([*scores, *beyond], LONGEST)
    if beyond:
        far = ", ".join(f"{names[model]} {brief(score, 2)}" for model, score in beyond.items())
        figure.supxlabel(f"Beyond the axes: {far}")
    settle(figure)
    unnamed: list[str] = []
    for panel, points in zip(panels, shown.values(), strict=False):
        unnamed += beside(panel, {names[model]: point for model, point in points.items()})
    if unnamed:
        _legend(figure, {names[model]: looks[model] for model in scores})
    return figure


def _legend(figure: Figure, looks: dict[str, Look]) -> None:
    """Name all models below a figure in which there is no room for a name at each point."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", markersize=7, markeredgewidth=0, label=name, **looks[name]) for name in looks
    ]
    columns = max(1, int(figure.get_figwidth() / WIDE))
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=columns)


def _panel(
    panel: Axes, points: dict[str, tuple[float, float]], looks: dict[str, Look], higher: bool, floor: float | None
) -> None:
    """Scatter the models, join the front, and draw the oracle's score as a line."""
    xy = np.array(list(points.values()))
    best = front(xy[:, 0], -xy[:, 1] if higher else xy[:, 1])
    panel.plot(*xy[best].T, color=INK, lw=0.9, zorder=2, drawstyle="steps-post")
    panel.scatter(xy[best, 0], xy[best, 1], s=150, facecolors="none", edgecolors=INK, linewidths=0.9, zorder=2)
    for name, point in points.items():
        panel.plot(*point, linestyle="", markersize=7, markeredgewidth=0, zorder=3, **looks[name])
    floor = floor if floor is not None and np.isfinite(floor) else None
    if floor is not None:
        panel.axhline(floor, color=INK, lw=1, linestyle="--", zorder=1)
        panel.annotate("oracle", (0.995, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    panel.set_xscale("log")
    if (xy[:, 1] > 0).all() and (floor is None or floor > 0):
        panel.set_yscale("log")
    panel.margins(0.2, 0.12)  # room for names
    for axis in (panel.xaxis, panel.yaxis):
        if axis.get_scale() == "log":
            plain(axis)
    panel.grid(True)


def _costs(row: Row) -> list[float | None]:
    return [cost(row.cost) for cost in PANELS.values()]


def _score(row: Row, board: Leaderboard) -> float | None:
    """Return a row's score in the metric that its table is sorted by: as a quotient by the oracle's if it has one."""
    cell = row.metrics.get(board.sorted_by(row.place) or "")
    return None if cell is None or np.isnan(cell.relative) else cell.relative
