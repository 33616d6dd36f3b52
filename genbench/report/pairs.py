"""Pairs of coordinates as vector graphics: the truth and the leader's samples.

Each pair of a few coordinates has a panel below the diagonal, and each coordinate has its histogram on the diagonal.
The script of the page marks the selected point in all panels and shows its numbers; without the script, the drawing is
static.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.plotting.ranges import limits
from genbench.report.scatter import LETTER, even_numbers

if TYPE_CHECKING:
    from genbench.figures.shared.coordinates import Compared

__all__ = ["CELL", "LEFT", "PairPlot", "Panel", "Tick", "pair_plots"]

# Chosen by hand: legible on a page, and about 100 kB a drawing, 500 kB a page.
FEWEST, MOST = 3, 5  # coordinates: two are in the figures of samples
POINTS, TOGETHER, LEAST = 250, 1_250, 60  # points of the truth in one drawing, in all of a page, and in one at least
SEEN, BINS = 10_000, 24  # points of each in a histogram, and its bins
CELL, GAP, LEFT, TOP, BOTTOM = 120, 14, 80, 8, 46  # units of a panel, between panels, and the margins
LONGEST = 18  # letters of a coordinate's name beside a panel
MARGIN = 0.06  # room beside the points, as a share of their extent


class Tick(NamedTuple):
    """A number on an axis: the position of its line and of the middle of its text.

    Positions are measured from the beginning of a panel.
    """

    at: float
    middle: float
    text: str


@dataclass(frozen=True)
class Panel:
    """A panel: its column and row, its corner, and the data of SVG paths, the truth first.

    On the diagonal, the paths are histograms; below it, they are dots, each a stroke without length.
    """

    column: int
    row: int
    x: float
    y: float
    paths: tuple[str, str]

    @property
    def diagonal(self) -> bool:
        """Whether the panel shows a single coordinate."""
        return self.column == self.row


@dataclass(frozen=True)
class PairPlot:
    """One drawing.

    Attributes:
        model: the model of the samples.
        names, ticks, ks: those of each coordinate; `ks` is the Kolmogorov-Smirnov distance of samples and truth.
        data: data for the script, as JSON: names, ends of the axes, and numbers of the points.
        says: what the drawing shows, as text.
    """

    model: str
    names: list[str]
    ticks: list[list[Tick]]
    ks: list[float]
    panels: list[Panel]
    data: str
    says: str

    @property
    def width(self) -> int:
        """The width of the drawing, in units of the graphic."""
        return LEFT + len(self.names) * (CELL + GAP)

    @property
    def height(self) -> int:
        """The height of the drawing, in units of the graphic."""
        return TOP + len(self.names) * (CELL + GAP) + BOTTOM


def pair_plots(run: RunData) -> dict[str, PairPlot]:
    """Return a drawing of the leader for each dataset of three coordinates or more.

    The dataset must have samples. There is none for images. The coordinates are those with the largest
    Kolmogorov-Smirnov distance.
    """
    from genbench.figures.shared.coordinates import compared
    from genbench.figures.shared.panels import datasets_of

    found: dict[str, Compared] = {}
    for dataset in datasets_of(run, images=False):
        try:
            one = next(iter(compared(run, dataset)), None)
        except GenbenchError:  # as where its file is gone; the notes about figures say so
            continue
        if one is not None and len(one.names) >= FEWEST and len(one.truth) and len(one.samples):
            found[dataset] = one
    points = max(LEAST, min(POINTS, TOGETHER // max(1, len(found))))
    return {dataset: _plot(one, points) for dataset, one in found.items()}


def _plot(one: Compared, points: int) -> PairPlot:
    from genbench.figures.shared.panels import distinct

    which = sorted(one.worst(MOST))  # in the order of the dataset
    names, model = [one.names[k] for k in which], one.trial.model
    low, high = limits(one.truth[:, which], MARGIN)
    sets = [x[np.isfinite(x).all(axis=1)][:SEEN, which] for x in (one.truth, one.samples)]
    placed = [CELL * (x - low) / (high - low) for x in sets]
    panels = [
        Panel(j, i, x=LEFT + j * (CELL + GAP), y=TOP + i * (CELL + GAP), paths=_paths(placed, i, j, points))
        for i in range(len(which))
        for j in range(i + 1)
    ]
    shown = [_rounded(x[:points], high - low) for x in sets]
    data = {
        "names": names, "low": low.tolist(), "high": high.tolist(), "size": CELL,
        "sets": [{"name": name, "values": x} for name, x in zip(("truth", model), shown, strict=True)],
    }  # fmt: skip
    part = f", which differ most of {len(one.names)}" if len(which) < len(one.names) else ""
    says = (
        f"Every two of the coordinates {', '.join(names)}{part}: {len(shown[0])} points of the truth, and "
        f"{len(shown[1])} samples of {model}, the leader."
    )
    ticks, short = [_ticks(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)], distinct(names, LONGEST)
    return PairPlot(
        model=model, names=[short[name] for name in names], ticks=ticks, ks=one.distances[which].tolist(),
        panels=panels, data=json.dumps(data, separators=(",", ":"), allow_nan=False), says=says,
    )  # fmt: skip


def _paths(placed: Sequence[Array], i: int, j: int, points: int) -> tuple[str, str]:
    """Return the paths of truth and samples, whose places [n, k] are in units of a panel, for row i and column j."""
    if i != j:
        first, second = (_dots(x[:points, j], x[:points, i]) for x in placed)
        return first, second
    bins = np.linspace(0, CELL, BINS + 1)
    shares = [np.histogram(x[:, i], bins)[0] / len(x) for x in placed]
    most = max(float(np.max(shares)), 1e-12)
    first, second = (_stairs(bins, 0.84 * CELL * share / most) for share in shares)  # the rest is for the distance
    return first, second


def _dots(x: Array, y: Array) -> str:
    """Return a path with a dot at each point inside a panel; y goes up."""
    inside = (x >= 0) & (x <= CELL) & (y >= 0) & (y <= CELL)
    return "".join(f"M{a:.1f} {CELL - b:.1f}h0" for a, b in zip(x[inside], y[inside], strict=True))


def _stairs(bins: Array, heights: Array) -> str:
    steps = "".join(f"V{CELL - height:.1f}H{end:.1f}" for height, end in zip(heights, bins[1:], strict=True))
    return f"M{bins[0]:.1f} {CELL}{steps}V{CELL}"


def _rounded(x: Array, extents: Array) -> list[list[float]]:
    """Return points [n, k] with digits enough to distinguish a thousandth of the axes' extents [k]."""
    digits = [3 - math.floor(math.log10(extent)) for extent in extents]
    return [[round(float(value), n) for value, n in zip(row, digits, strict=True)] for row in x]


def _ticks(low: float, high: float) -> list[Tick]:
    """Return two ticks of an axis, or one where their numbers have no room beside each other."""
    values, found = even_numbers(low, high), list[Tick]()
    for value in dict.fromkeys((values[0], values[-1])):
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
        half, at = LETTER * len(text) / 2, CELL * (value - low) / (high - low)
        middle = min(max(at, half), CELL - half)
        if not found or middle - half > found[0].middle + LETTER * (len(found[0].text) / 2 + 1):
            found.append(Tick(at, middle, text))
    return found
