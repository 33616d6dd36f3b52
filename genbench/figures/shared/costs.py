"""Quality against cost: the models to draw, the front of the best ones, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, card_of
from genbench.core.types import Array
from genbench.display.numbers import brief
from genbench.figures.shared.panels import by_dataset, distinct
from genbench.plotting.canvas import settle
from genbench.plotting.labels import Look, beside
from genbench.plotting.ranges import comparable
from genbench.plotting.style import INK, current_style
from genbench.plotting.ticks import plain, thin_numbers

__all__ = ["COSTS", "CostPanel", "beyond", "cost_figures", "finish_panel", "front", "name_points"]

LONGEST, BESIDE = 30, 14  # letters of a name, and those that have the room beside it in a legend
LINE = 1.6  # heights of its letters, from line to line of a legend
COSTS: dict[str, Callable[[Mapping[str, float | None]], float | None]] = {
    "training seconds": lambda cost: cost["train_seconds"],
    "seconds for 1,000 samples": lambda cost: 1000 / cost["samples_per_second"] if cost["samples_per_second"] else None,
    "network evaluations a sample": lambda cost: cost["nfe"],
    "parameters": lambda cost: cost["parameters"],
}


def cost_figures(
    run: RunData, stem: str, draw: Callable[[Leaderboard, str, pd.DataFrame], Figure], needed: Iterable[str] = COSTS
) -> dict[str, Figure]:
    """Return a figure for each dataset on which models have a score and a needed cost.

    One of the needed costs is enough. `draw(board, dataset, frame)` receives a row for each model: its `score` in the
    metric by which the table is sorted, divided by the oracle's if that has one; whether it is `near` enough to others
    for one axis; and its `COSTS`, NaN where unknown. Controls are left out.
    """
    board, frames = run.leaderboard(), dict[str, pd.DataFrame]()
    for dataset in dict.fromkeys(row.dataset for row in board.rows if row.place == row.dataset):
        rows = [row for row in board.rows if row.place == dataset and row.role == "model"]
        frame = pd.DataFrame([_facts(row, board) for row in rows if _score(row, board) is not None])
        if len(frame) and frame[list(needed)].notna().any(axis=None):
            frames[dataset] = frame[frame[list(needed)].notna().any(axis=1)].reset_index(drop=True)
            frames[dataset]["near"] = comparable(frames[dataset]["score"].to_numpy())
    return by_dataset(run, stem, frames, lambda dataset: draw(board, dataset, frames[dataset]))


def _facts(row: Row, board: Leaderboard) -> dict[str, object]:
    costs = {label: cost(row.cost) or np.nan for label, cost in COSTS.items()}
    return {"dataset": row.dataset, "model": row.model, "score": _score(row, board), **costs}


def _score(row: Row, board: Leaderboard) -> float | None:
    """Return a row's score in the metric that its table is sorted by: as a quotient by the oracle's if it has one."""
    cell = row.metrics.get(board.sorted_by(row.place) or "")
    return None if cell is None or np.isnan(cell.relative) else cell.relative


def front(costs: Array, scores: Array) -> Array:
    """Return the indices of the points that no other point beats in cost and score.

    They are sorted by rising cost. Smaller is better for both.
    """
    best, found = np.inf, []
    for i in np.lexsort((scores, costs)):
        if scores[i] < best:
            best = scores[i]
            found.append(i)
    return np.array(found, dtype=int)


class CostPanel(NamedTuple):
    """A panel with its points (cost, score) by model, and lines [m, 2] that names must avoid."""

    panel: Axes
    points: dict[str, tuple[float, float]]
    paths: list[Array]


def finish_panel(panel: Axes, board: Leaderboard, dataset: str, drawn: pd.DataFrame) -> CostPanel:
    """Finish a panel: join the best points, draw the oracle's score, label and scale axes.

    The best points are those that no other beats; they are ringed.

    Args:
        drawn: the points in the panel, one row for each: model, cost, score.
    """
    card, floor = card_of(board.sorted_by(dataset) or ""), _floor(board, dataset)
    xy = drawn.iloc[:, 1:].to_numpy()
    stairs = xy[front(xy[:, 0], -xy[:, 1] if card.higher_is_better else xy[:, 1])]
    panel.plot(*stairs.T, color=INK, lw=0.9, alpha=0.6, zorder=1, drawstyle="steps-post")
    panel.scatter(stairs[:, 0], stairs[:, 1], s=150, facecolors="none", edgecolors=INK, linewidths=0.9, zorder=2)
    unit = ", × oracle" if card.ratio else f" ({card.unit})" if card.unit else ""
    panel.set(xlabel=drawn.columns[1], ylabel=f"{card.label}{unit}", xscale="log")
    if (xy[:, 1] > 0).all() and (floor is None or floor > 0):
        panel.set_yscale("log")
    paths = [np.column_stack([stairs[:, 0].repeat(2)[1:], stairs[:, 1].repeat(2)[:-1]])]
    if floor is not None:
        panel.axhline(floor, color=INK, lw=1, linestyle="--", zorder=1)
        panel.annotate("oracle", (0.995, floor), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    panel.margins(0.2, 0.12)  # room for names
    for axis in (panel.xaxis, panel.yaxis):
        if axis.get_scale() == "log":
            plain(axis)
    panel.grid(True)
    paths += [] if floor is None else [np.array([[cost, floor] for cost in panel.get_xlim()])]
    return CostPanel(panel, {model: (x, y) for model, x, y in drawn.itertuples(index=False)}, paths)


def _floor(board: Leaderboard, dataset: str) -> float | None:
    oracle = next((row for row in board.rows if row.place == dataset and row.role == "oracle"), None)
    floor = _score(oracle, board) if oracle else None
    return floor if floor is not None and np.isfinite(floor) else None


def beyond(frame: pd.DataFrame) -> str:
    """Return a sentence with the models whose scores are too far from the others; "" if none."""
    names, far = distinct(frame["model"], LONGEST), frame[~frame["near"]]
    listed = [f"{names[model]} {brief(score, 2)}" for model, score in zip(far["model"], far["score"], strict=True)]
    return f"Beyond the axes: {', '.join(listed)}" if listed else ""


def name_points(figure: Figure, drawn: Sequence[CostPanel], looks: Mapping[str, Look]) -> None:
    """Lay out a figure and write the names of models beside their points.

    If there is no room for all names, numbers are written. These are explained below the panels.
    """
    names, engine = distinct(looks, LONGEST), figure.get_layout_engine()
    settle(figure)
    before = [{*one.panel.texts, *one.panel.lines} for one in drawn]
    if not any(_beside(one, names) for one in drawn):
        return
    for one, there in zip(drawn, before, strict=True):
        for name in {*one.panel.texts, *one.panel.lines} - there:
            name.remove()
    numbers = {model: str(i + 1) for i, model in enumerate(looks)}
    handles = [
        Line2D([], [], ls="", markersize=7, markeredgewidth=0, label=f"{numbers[model]}  {names[model]}", **look)
        for model, look in looks.items()
    ]
    style, letters = current_style(), BESIDE + max(map(len, names.values()))
    columns = max(1, style.letters(figure.get_figwidth(), "legend.fontsize") // letters)
    height = figure.get_figheight() + LINE * style.points("legend.fontsize") / 72 * -(-len(handles) // columns)
    most = style.height or np.inf
    if height <= most or figure.get_figwidth() <= most:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        figure.set_figheight(min(height, most))
    else:  # a slide is wider than high
        figure.legend(handles=handles, loc="outside right center", labelspacing=0.05)
    figure.set_layout_engine(engine)
    settle(figure)
    for one in drawn:
        thin_numbers(one.panel)
        _beside(one, numbers)


def _beside(one: CostPanel, names: Mapping[str, str]) -> list[str]:
    return beside(one.panel, {names[model]: at for model, at in one.points.items()}, one.paths)
