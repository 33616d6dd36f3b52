"""Scores with their intervals, a panel a metric: verdicts are marked as in the leaderboard, the oracle too."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Cell, Row, card_of
from genbench.display.chosen_columns import asked_columns
from genbench.display.numbers import brief
from genbench.display.verdicts import SIGNS
from genbench.figures.shared.panels import by_dataset, distinct, even, file_stem, panels
from genbench.plotting.labels import plain
from genbench.plotting.ranges import comparable
from genbench.plotting.style import BLUE, FAILED, FAINT, INK

__all__ = ["draw"]

COLUMNS = (3, 4)  # panels beside each other: whichever leaves fewer places empty
MOST, LONGEST = 6, 24  # panels, and letters of a name
TICKS = 5  # numbers of six letters that have room below a panel
SHAPES = {"exact": "o", "bound": "<", "estimate": "D", "none": "o"}  # a bound on the NLL: the truth lies to the left
SEEDS = "mean over seeds and its 95 % interval"
ALONE = "the score of a single seed and twice its standard error, which leaves out the spread of training runs"
KINDS = "Kinds of likelihood are not to be compared: circle exact, diamond (≈) estimate, triangle (≤) upper bound.  "
MARKS = (
    "Filled: leads (*) or is as good within the margin (=). Half-filled (?): open, may be the best, may be worse. "
    "Hollow: worse.\nPale: not compared. Grey: controls, which do not compete."
)
PALE = "#c4dcec"  # BLUE with much white, for models that are compared with none
FACES = {"best": ("full", BLUE), "as good": ("full", BLUE), "open": ("left", BLUE), "worse": ("full", "white")}


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset (and task): `forest` for a single one, else `forest-<dataset>`."""
    board = run.leaderboard()
    rows = [row for row in board.rows if row.place == row.dataset]
    figures = by_dataset(run, "forest", [row.dataset for row in rows], lambda name: _figure(board, name))
    tasks = dict.fromkeys((row.place, row.dataset, row.task) for row in board.rows if row.place != row.dataset)
    return figures | {f"forest-{file_stem(dataset)}-{task}": _figure(board, place) for place, dataset, task in tasks}


def _figure(board: Leaderboard, place: str) -> Figure:
    rows = [row for row in board.rows if row.place == place]
    metrics = [name for name in asked_columns(board, rows) if card_of(name).ranked][:MOST]
    columns = even(len(metrics), COLUMNS)
    figure, axes = panels(len(metrics), (3.9, 0.27 * len(rows) + 0.9), columns, margin=1.0)
    for panel, metric in zip(axes, metrics, strict=True):
        _panel(panel, rows, metric, named=panel.get_subplotspec().colspan.start == 0)
    alone = max((row.seeds for row in rows), default=0) < 2
    figure.suptitle(f"{place}: {'scores of one seed' if alone else SEEDS}")
    note = f"Lines: {ALONE}." if alone else MARKS
    kinds = f"\n{KINDS}" if any(card_of(metric).by_likelihood for metric in metrics) else ""
    figure.supxlabel(f"{note} Dashed: the oracle's mean. An arrow: beyond the axis.{kinds}")
    return figure


def _panel(panel: Axes, rows: list[Row], metric: str, named: bool) -> None:
    """Draw a line a model, from top to bottom in the order of the leaderboard."""
    card = card_of(metric)
    extent = _extent(rows, metric)
    if extent and extent[0] > 0 and extent[1] > 8 * extent[0]:
        panel.set_xscale("log")
    compared = any(cell.verdict for row in rows if (cell := row.metrics.get(metric)))
    for y, row in enumerate(rows):
        if cell := row.metrics.get(metric):
            shape = SHAPES[row.likelihood] if card.by_likelihood else "o"
            _line(panel, y, row, cell, shape, extent, PALE if compared else "white")
        else:
            _absent(panel, y, row)
    oracle = next((row.metrics.get(metric) for row in rows if row.role == "oracle"), None)
    if oracle and np.isfinite(oracle.mean):
        panel.axvline(oracle.mean, color=INK, lw=1, linestyle="--", zorder=1)
    panel.set(xlim=extent, ylim=(len(rows) - 0.4, -0.85), yticks=range(len(rows)))
    if panel.get_xscale() == "log":
        plain(panel.xaxis)
    else:
        panel.locator_params(axis="x", nbins=TICKS)
    panel.set_yticklabels(list(distinct([row.model for row in rows], LONGEST).values()) if named else [])
    panel.tick_params(axis="y", length=0)
    better = "higher" if card.higher_is_better else "lower"
    panel.set_title(f"{card.label}{f' ({card.unit})' if card.unit else ''}: {better} is better")
    panel.grid(True)


def _extent(rows: list[Row], metric: str) -> tuple[float, float] | None:
    """Return the ends of the axis: all models and the oracle, with as much of the intervals as leaves them apart.

    Controls may lie beyond, and so may the ends of intervals over two seeds, which are very long, and scores that are
    infinite or so far from the others that these would be one.
    """
    told = [(row, cell) for row in rows if (cell := row.metrics.get(metric)) and np.isfinite(cell.mean)]
    cells = [cell for row, cell in told if row.role != "control"] or [cell for _, cell in told]
    near = comparable(np.array([cell.mean for cell in cells]))
    cells = [cell for cell, shown in zip(cells, near, strict=True) if shown]
    if not cells:
        return None
    means, ends = [cell.mean for cell in cells], [end for cell in cells for end in _ends(cell) if np.isfinite(end)]
    low, high = min(means), max(means)
    if low > 0 and high > 8 * low:
        return max(low / 2, min(end for end in ends if end > 0) / 1.1), min(2.5 * high, 1.3 * max(ends))
    reach = 0.6 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = max(low - reach, min(ends)), min(high + reach, max(ends))
    room = 0.08 * (high - low) or reach
    return low - room, high + room


def _line(
    panel: Axes, y: int, row: Row, cell: Cell, marker: str, extent: tuple[float, float] | None, alone: str
) -> None:
    """Draw a score and its interval; `alone` is the colour inside the point of a model that is compared with none."""
    colour = BLUE if row.role == "model" else FAINT
    least, most = extent or (cell.mean, cell.mean)
    low, high = _ends(cell)
    if np.isnan(cell.mean):
        _absent(panel, y, row)
        return
    if not least <= cell.mean <= most or np.isinf(cell.mean):
        beyond = cell.mean > most or cell.mean == np.inf
        at = 0.98 if beyond else 0.02
        text = f"{brief(cell.mean)} →" if beyond else f"← {brief(cell.mean)}"
        panel.text(
            at, y, text, transform=panel.get_yaxis_transform(), ha="right" if beyond else "left", va="center",
            color=INK,
        )  # fmt: skip
        return
    panel.plot([max(low, least), min(high, most)], [y, y], color=colour, lw=1.8, solid_capstyle="butt", zorder=2)
    for end, sign in ((least, "<"), (most, ">")):
        if low < end if sign == "<" else high > end:
            panel.plot(end, y, marker=sign, color=colour, markersize=5, markeredgewidth=0, clip_on=False, zorder=3)
    fill, face = FACES[cell.verdict] if cell.verdict else ("full", colour if row.role != "model" else alone)
    panel.plot(
        cell.mean, y, marker=marker, color=colour, fillstyle=fill, markerfacecolor=face, markerfacecoloralt="white",
        markersize=6.5, markeredgewidth=1.4, zorder=4,
    )  # fmt: skip
    failed = f"{row.failed} of {row.seeds + row.failed} failed" if row.failed else ""
    if notes := " ".join(filter(None, [SIGNS[cell.verdict] if cell.verdict else "", failed])):
        panel.annotate(
            notes, (cell.mean, y), (0, 3), textcoords="offset points", ha="center", va="bottom",
            color=FAILED if row.failed else colour,
        )  # fmt: skip


def _ends(cell: Cell) -> tuple[float, float]:
    """Return the ends of the interval over seeds; of a single seed, two standard errors; else the score itself."""
    if cell.low is not None and cell.high is not None:
        return cell.low, cell.high
    half = 2 * (cell.standard_error or 0.0)
    return cell.mean - half, cell.mean + half


def _absent(panel: Axes, y: int, row: Row) -> None:
    """Say on a model's line why it has no score."""
    failed = ", ".join(name for name in row.statuses if name != "ok") if not row.seeds else ""
    panel.text(
        0.02, y, failed or "–", transform=panel.get_yaxis_transform(), va="center",
        color=FAILED if failed else FAINT,
    )  # fmt: skip
