"""Models × datasets as a heat map: how often the oracle's score goes into a model's, or the score itself."""

from __future__ import annotations

from statistics import mode
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Cell, Row, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.core.types import Array
from genbench.display.formatting import LIKELIHOOD_SIGNS
from genbench.display.numbers import LARGE, brief
from genbench.display.verdicts import SIGNS
from genbench.figures.shared.panels import distinct, file_stem
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import plain
from genbench.plotting.ranges import comparable
from genbench.plotting.style import FAILED, FAINT

__all__ = ["draw"]

LONGEST, BESIDE = 26, 16  # letters of a name, and of one of a dataset that has room beside another
ROLES = ("model", "control")  # in this order from top to bottom; the oracle is 1 everywhere
HEADS = {
    "exact": "exact likelihoods",
    "bound": "upper bounds (≤)",
    "estimate": "estimates (≈)",
    "none": "no likelihood",
}


class Line(NamedTuple):
    """A line of the map: a model, its group (a kind of likelihood, or what it is), and its row on each dataset."""

    model: str
    group: str
    rows: list[Row | None]


def draw(run: RunData) -> dict[str, Figure]:
    """Return `heat_map`, by the metric that the leaderboard is sorted by, and `heat_map-kl` where there is a KL.

    Of a part of a run they are `heat_map-<dataset>` and `heat_map-kl-<dataset>`.
    """
    board = run.leaderboard()
    rows = [row for row in board.rows if row.place == row.dataset] or board.rows
    figures, part = dict[str, "Figure"](), f"-{file_stem(run.dataset)}" if run.dataset else ""
    for metric, stem in ((board.sort, "heat_map"), ("kl", "heat_map-kl")):
        if metric in board.metrics and (figure := _figure(rows, metric)) is not None:
            figures.setdefault(("heat_map" if metric == board.sort else stem) + part, figure)
    return figures


def _figure(rows: list[Row], metric: str) -> Figure | None:
    scored = {row.place for row in rows if row.metrics.get(metric)}  # where the metric is none, it says nothing
    rows = [row for row in rows if row.place in scored]
    places = list(dict.fromkeys(row.place for row in rows))
    lines = _lines(rows, metric, places)
    values = np.array([[_number(row, metric) for row in line.rows] for line in lines], dtype=np.float64)
    if not (values.size and np.isfinite(values).any()):
        return None
    width, height = 1.25 * len(places) + 3.6, 0.36 * len(lines) + 2.4
    figure = new_figure(max(width, 6.4), height)
    panel = figure.subplots()
    quotient = any(cell.ratio is not None for row in rows if (cell := row.metrics.get(metric)))
    _map(figure, panel, values, metric, quotient)
    for y, line in enumerate(lines):
        for x, row in enumerate(line.rows):
            _cell(panel, x, y, row, metric, values)
    columns = list(distinct(places, 30).values())
    crowded = len(places) > 3 or (len(places) > 1 and max(map(len, columns)) > BESIDE)
    slanted: dict[str, Any] = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    panel.set_xticks(range(len(places)), columns, **slanted)
    panel.set_yticks(range(len(lines)), list(distinct([line.model for line in lines], LONGEST).values()))
    panel.tick_params(length=0)
    _groups(panel, lines)
    where = f"{len(places)} datasets" if len(places) > 1 else places[0]
    figure.suptitle(f"{card_of(metric).label}: models on {where}, mean over seeds")
    figure.supxlabel(
        "Bold, *: leads there. =: as good, within the margin. ?: open, may be the "
        "best, may be worse. No mark: worse, or not compared. Hatched: failed "
        "(orange-red), or not run (grey). Models are in the order of their mean ranks.",
    )
    return figure


def _lines(rows: list[Row], metric: str, places: list[str]) -> list[Line]:
    """Return a line for each model that has a score or failed, by group and by its mean rank within the dataset."""
    by = card_of(metric).by_likelihood
    its: dict[tuple[str, str], dict[str, Row]] = {}
    kinds: dict[str, list[str]] = {}
    for row in rows:
        if row.metrics.get(metric):
            kinds.setdefault(row.model, []).append(row.likelihood)
    for row in rows:
        its_kind = mode(kinds.get(row.model, [row.likelihood])) if by else "model"  # the most frequent over datasets
        group = row.role if row.role != "model" else its_kind
        its.setdefault((group, row.model), {})[row.place] = row
    ranks = _mean_ranks(rows, metric)
    order = [*(LIKELIHOODS if by else ()), *ROLES]
    lines = [Line(model, group, [found.get(p) for p in places]) for (group, model), found in its.items()]
    shown = [line for line in lines if line.group in order and any(_shown(row, metric) for row in line.rows)]
    return sorted(shown, key=lambda line: (order.index(line.group), ranks.get(line.model, np.inf)))


def _shown(row: Row | None, metric: str) -> bool:
    return row is not None and (row.metrics.get(metric) is not None or not row.seeds)


def _mean_ranks(rows: list[Row], metric: str) -> dict[str, float]:
    """Return each model's mean share of the field that is better, over its datasets."""
    sign, found = -1 if card_of(metric).higher_is_better else 1, dict[str, list[float]]()
    for place in dict.fromkeys(row.place for row in rows):
        scored = [(row.model, cell.mean) for row in rows if row.place == place and (cell := row.metrics.get(metric))]
        scored.sort(key=lambda one: sign * one[1] if np.isfinite(one[1]) else np.inf)
        for i, (model, _) in enumerate(scored):
            found.setdefault(model, []).append(i / max(1, len(scored) - 1))
    return {model: float(np.mean(ranks)) for model, ranks in found.items()}


def _number(row: Row | None, metric: str) -> float:
    """Return what a cell is coloured by: the quotient by the oracle's score, or the score; NaN where there is none."""
    cell = row.metrics.get(metric) if row else None
    return np.nan if cell is None else cell.relative


def _map(figure: Figure, panel: Axes, values: Array, metric: str, quotient: bool) -> None:
    """Draw the colours, dark where a score is far from the best, on a logarithmic scale where all are positive."""
    shown = values[comparable(values.ravel()).reshape(values.shape)]  # the colours of others are those of the ends
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (1.0, 1.0)
    positive = low > 0 and high > 4 * low
    low = min(low, 1.0) if quotient else max(low, high / 500) if positive else low
    norm = LogNorm(low, max(high, 1.01 * low)) if positive else Normalize(low, high if high > low else low + 1.0)
    cmap = "viridis" if card_of(metric).higher_is_better else "viridis_r"
    image = panel.imshow(
        np.ma.masked_where(np.isnan(values), np.clip(values, low, high)), cmap=cmap, norm=norm, aspect="auto"
    )
    bar = figure.colorbar(image, ax=panel, shrink=0.8, pad=0.02)
    unit = "× oracle" if quotient else card_of(metric).unit
    bar.set_label(f"{card_of(metric).label}{', ' * bool(unit)}{unit}{', log scale' * positive}")
    if positive:
        plain(bar.ax.yaxis)


def _cell(panel: Axes, x: int, y: int, row: Row | None, metric: str, values: Array) -> None:
    """Write a number into a place of the map, or hatch it and say why there is none."""
    cell = row.metrics.get(metric) if row else None
    if row is None or cell is None or np.isnan(values[y, x]):
        failed = row is not None and not row.seeds
        colour = FAILED if failed else FAINT
        panel.add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, hatch="////", facecolor="white", edgecolor=colour, lw=0, alpha=0.5)
        )
        if row is not None and failed:
            text = ", ".join(name for name in row.statuses if name != "ok").replace("_", " ")
            panel.text(
                x, y, text, ha="center", va="center", color=FAILED,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )  # fmt: skip
        return
    image = panel.images[0]
    red, green, blue, _ = image.cmap(image.norm(np.clip(values[y, x], *image.get_clim())))
    dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45
    failed_too = f"\n{row.failed} of {row.seeds + row.failed} failed" if row.failed else ""
    panel.text(
        x, y, _text(row, cell, metric) + failed_too, ha="center", va="center", color="white" if dark else "#222222",
        fontweight="bold" if cell.verdict == "best" else "normal",
        linespacing=1.0,
    )  # fmt: skip


def _text(row: Row, cell: Cell, metric: str) -> str:
    """Return a number of about three digits, with the signs of its kind of likelihood and of its verdict."""
    value = cell.relative
    sign = LIKELIHOOD_SIGNS[row.likelihood] if card_of(metric).by_likelihood else ""
    whole = 0.1 <= abs(value) < LARGE
    digits = f"{value:.{max(0, 2 - int(np.log10(max(1.0, abs(value)))))}f}" if whole else brief(value, 2)
    return f"{sign}{digits} {SIGNS[cell.verdict] if cell.verdict else ''}".rstrip()


def _groups(panel: Axes, lines: list[Line]) -> None:
    """Part the groups by white lines, and name kinds of likelihood and controls on the right."""
    groups = [line.group for line in lines]
    for y in range(1, len(groups)):
        if groups[y] != groups[y - 1]:
            panel.axhline(y - 0.5, color="white", lw=6)
    if any(group in HEADS for group in groups):
        names = HEADS | {"control": "controls"}
        for group in dict.fromkeys(groups):
            inside = [y for y, other in enumerate(groups) if other == group]
            panel.text(
                len(lines[0].rows) - 0.48, inside[0] - 0.42, names.get(group, group), va="top", ha="left",
                rotation=0, color="#555555", clip_on=False,
            )  # fmt: skip
