"""Pairs of coordinates: samples of the leader over the truth, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.figures.shared.coordinates import SOURCE, Compared, by_model, chance, histograms
from genbench.figures.shared.panels import datasets_of, short
from genbench.plotting.canvas import new_figure
from genbench.plotting.style import BLUE, FAINT, INK, VERMILLION, current_style

__all__ = ["draw", "surplus"]

MOST, LARGEST = 5, 12  # coordinates by default, and at most: more panels would be too small
SIDE = 1.9  # inches of a panel, at most
FEW = 7  # coordinates with room for more than a number and a tick in their panels
POINTS, MANY, LARGE = 1_000, 4_000, 16.0  # dots of each in a panel; as many need small ones; points² of large ones
PER_CELL, FEWEST, FINEST = 25, 4, 24  # points of a cell, on average; cells along a side of a map
EXPECTED = 5  # points from which on the normal approximation is good (Cochran 1954)
COLOURED = (2, 3, 4, 6)  # standard errors at which colours change; noise is below the first in 95 % of the cells
NOTE = (
    "Diagonal: histograms with their Kolmogorov-Smirnov distance, red if larger than {band:.3f}, which equal "
    "distributions exceed in any of the {d} coordinates with probability 5 %. Below: the first {shown:,} points of "
    "each. Above: where the model has more points than the truth (blue) and fewer (red); white where the difference is "
    "less than 2 standard errors, as by chance it is in 95 % of the cells, or where points are too few."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of three coordinates or more.

    It shows the leader, or there is one figure for each chosen model.

    Raises:
        GenbenchError: a coordinate that was asked for does not exist, or there are too few or too many.
    """
    return by_model(run, "pairs", datasets_of(run, images=False), lambda one: _figure(one, run.coordinates))


def surplus(truth: Array, samples: Array, x: Array, y: Array) -> Array:
    """Return the excess of a model's share of points in each cell over the truth's, [h, w].

    It is in standard errors. z = (b / m − a / n) / √(p (1 − p) (1 / n + 1 / m)) with p = (a + b) / (n + m), where a of
    n points of the truth and b of m samples are in a cell: the test of two proportions. It is 0 where fewer than
    `EXPECTED` points of either are expected.

    Args:
        truth, samples: points [n, 2] and [m, 2].
        x, y: the edges of the cells, [w + 1] and [h + 1].
    """
    (a, n), (b, m) = (
        (np.histogram2d(points[:, 0], points[:, 1], bins=[x, y])[0].T, len(points)) for points in (truth, samples)
    )
    p = (a + b) / (n + m)
    error = np.sqrt(p * (1 - p) * (1 / n + 1 / m))
    return np.divide(b / m - a / n, error, out=np.zeros_like(p), where=(p * min(n, m) >= EXPECTED) & (error > 0))


def _frame(one: Compared, which: Sequence[int]) -> pd.DataFrame:
    """Return the first points of truth and model, one per row, mixed: one column per coordinate, and `SOURCE`."""
    parts = [
        pd.DataFrame(x[:POINTS, which], columns=[one.names[i] for i in which]).assign(**{SOURCE: name})
        for x, name in ((one.truth, "truth"), (one.samples, one.trial.model))
    ]
    return pd.concat(parts).sample(
        frac=1, random_state=0, ignore_index=True
    )  # mixed, as else one would cover the other


def _chosen(one: Compared, asked: Sequence[str]) -> list[int]:
    """Return the coordinates to show, none where there are fewer than three; the worst, in the dataset's order."""
    if not asked:
        return sorted(one.worst(current_style().below(SIDE, MOST))) if len(one.names) > 2 else []
    if not 2 <= len(which := one.asked(asked)) <= LARGEST:
        raise GenbenchError(f"pairs shows 2 to {LARGEST} coordinates, and {len(which)} are asked for")
    return which


def _figure(one: Compared, asked: Sequence[str]) -> Figure | None:
    if not (which := _chosen(one, asked)):
        return None
    k, side = len(which), float(np.clip(8.0 / len(which), 0.95, SIDE))  # inches of a panel, by hand
    figure = new_figure(k * side + 1.4, k * side + 1.5)
    grid = figure.subplots(k, k, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    figure.data = _frame(one, which)
    band = chance(len(one.truth), len(one.samples), len(one.names))
    letters = [current_style().letters(length / (k + 1), "axes.labelsize") for length in figure.get_size_inches()]
    size = float(np.clip(2 * MANY / len(figure.data), 1, LARGE)) if k <= FEW else 1.0  # points² of a dot
    mesh = None
    for row, i in enumerate(which):
        for column, j in enumerate(which):
            panel, at = grid[row, column], (row, column)
            _label(panel, at, k, (short(one.names[j], letters[0]), short(one.names[i], letters[1])))
            if row == column:
                histograms(panel, one, i)
                _say_distance(panel, float(one.distances[i]), band, k)
            elif row > column:
                _dots(panel, figure.data, one, (j, i), size)
            else:
                mesh = _map(panel, one, (j, i))
    grid[0, 0].set_title("■ truth", loc="left", color=FAINT)
    letters_above = current_style().points("axes.titlesize")
    model = grid[0, 1].annotate(
        f"■ {short(one.trial.model, 60)}", (0, 1), (0, 6), "axes fraction", "offset points", color=BLUE,
        size=letters_above,
    )  # fmt: skip
    model.set_in_layout(False)  # as a title it would widen its column
    if mesh is not None:
        bar = figure.colorbar(mesh, ax=list(grid.flat), shrink=0.6, aspect=30, pad=0.01)
        bar.set_label("model − truth, in standard errors")
    part = f", the {k} of {len(one.names)} coordinates that differ most" if k < len(one.names) and not asked else ""
    figure.suptitle(f"{one.trial.dataset}: {one.trial.model} beside the truth, seed {one.trial.seed}{part}")
    figure.supxlabel(NOTE.format(band=band, shown=min(POINTS, len(one.truth)), d=len(one.names)))
    return figure


def _say_distance(panel: Axes, distance: float, band: float, k: int) -> None:
    """Write the distance of two histograms above them, in colour where it is more than chance."""
    panel.set_ylim(0, 1.3 * panel.get_ylim()[1])
    panel.text(
        0.97, 0.95, f"KS {distance:.3f}" if k <= FEW else f"{distance:.2f}", transform=panel.transAxes, ha="right",
        va="top", color=VERMILLION if distance > band else INK,
    )  # fmt: skip


def _dots(panel: Axes, frame: pd.DataFrame, one: Compared, axes: tuple[int, int], size: float) -> None:
    """Draw the points of a frame that lie inside, of a size in points²: one far out has no place on a page."""
    (x, low, high), (y, bottom, top) = ((one.names[i], *one.ends(i)) for i in axes)
    inside = frame[frame[x].between(low, high) & frame[y].between(bottom, top)]
    sns.scatterplot(
        inside, x=x, y=y, hue=SOURCE, palette={one.trial.model: BLUE, "truth": FAINT}, s=size, linewidth=0, alpha=0.7,
        legend=False, ax=panel, rasterized=True,
    )  # fmt: skip
    panel.set(xlim=(low, high), ylim=(bottom, top))


def _map(panel: Axes, one: Compared, axes: tuple[int, int]) -> QuadMesh:
    """Draw in which cells of two coordinates a model has too many or too few points."""
    columns = list(axes)
    cells = int(np.clip(np.sqrt(min(len(one.truth), len(one.samples)) / PER_CELL), FEWEST, FINEST))
    x, y = (np.linspace(*one.ends(i), cells + 1) for i in axes)
    z = surplus(one.truth[:, columns], one.samples[:, columns], x, y)
    colours = BoundaryNorm([*(-end for end in COLOURED[::-1]), *COLOURED], 256, extend="both")
    return panel.pcolormesh(x, y, z, cmap="RdBu", norm=colours, rasterized=True)


def _label(panel: Axes, place: tuple[int, int], k: int, names: tuple[str, str]) -> None:
    """Write the names of both axes and numbers, at the bottom and at the left of the grid alone."""
    row, column = place
    panel.set(xlabel=names[0] if row == k - 1 else "", xticks=[], yticks=[])
    panel.set_ylabel(names[1] if column == 0 else "", visible=column == 0)
    ticks = 3 if k <= FEW else 1
    if row == k - 1:
        panel.xaxis.set_major_locator(MaxNLocator(ticks))
    if column == 0 and row > 0:
        panel.yaxis.set_major_locator(MaxNLocator(ticks))
