"""Densities in the plane: the exact one and those of the models, on one colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import SyntheticDataset
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.panels import dataset_of, distinct, planar_datasets, short, stacked, truth
from genbench.figures.shared.titles import head, room, score_line, seed_of
from genbench.figures.shared.trained_models import by_models
from genbench.plotting.canvas import panels
from genbench.plotting.ranges import limits
from genbench.plotting.style import INK
from genbench.storage.records import TrialRecord

__all__ = ["DEPTH", "KINDS", "POINTS", "Grid", "draw", "on_grid"]

NEEDS_WEIGHTS = True
POINTS, COLUMNS, CELLS = 4_000, 4, 100  # points that set the limits; panels in a row; cells along the longer side
OBLONG = 4.0  # quotient of the sides above which axes have separate units, as in other figures
DEPTH = 8.0  # nats below the highest density of the truth, where the colours end
KEPT = 64  # log-densities on grids that stay in memory for another figure
KINDS = {"exact": "exact", "estimate": "≈ estimate", "bound": "≤ bound"}


class Grid(NamedTuple):
    """Cells of the plane: their centres [h · w, 2], and the corners of all.

    The centres go row by row from the lower left.
    """

    centres: Array
    shape: tuple[int, int]
    extent: tuple[float, float, float, float]

    @classmethod
    def over(cls, real: Array) -> Grid:
        """Return square cells over points of the truth [n, 2]."""
        low, high = limits(real, 0.2)
        extent, step = high - low, float((high - low).max()) / CELLS
        oblong = extent.max() > OBLONG * extent.min()  # then panels are as high as wide, whatever the units
        w, h = (CELLS if oblong else round(float(length) / step) for length in extent)
        x, y = (low[i] + (np.arange(n) + 0.5) * (high[i] - low[i]) / n for i, n in enumerate((w, h)))
        centres = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        return cls(centres, (h, w), (float(low[0]), float(high[0]), float(low[1]), float(high[1])))


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of the plane, by file stem.

    The stem is `densities` for a single dataset, else `densities-<dataset>`.
    """

    def show(grid: Grid, trial: TrialRecord, estimator: Estimator) -> tuple[Array, str]:
        return on_grid(run, grid, trial, estimator), estimator.likelihood

    return by_models(
        run,
        "densities",
        planar_datasets(run),
        lambda card: card.likelihood != "none",
        lambda trial: Grid.over(truth(trial, POINTS)),
        show,
        partial(_figure, run),
    )


def on_grid(run: RunData, grid: Grid, trial: TrialRecord, estimator: Estimator) -> Array:
    """Return a model's log-density at the centres of the cells; results are cached."""
    key = (str(run.path), trial.key, grid.extent, grid.shape)
    if key not in _known:
        if len(_known) == KEPT:
            del _known[next(iter(_known))]  # the oldest
        _known[key] = estimator.log_prob(grid.centres)
    return _known[key].copy()


_known: dict[tuple[str, str, tuple[float, ...], tuple[int, int]], Array] = {}


def _figure(run: RunData, dataset: str, grid: Grid, found: Sequence[tuple[TrialRecord, tuple[Array, str]]]) -> Figure:
    exact = dataset_of(found[0][0])
    known = exact.log_prob(grid.centres) if isinstance(exact, SyntheticDataset) and exact.has_density else None
    top = _highest([values for _, (values, _) in found] if known is None else [known])
    aspect = min(1.2, grid.shape[0] / grid.shape[1])
    figure, places = panels(len(found) + 1, (2.8, 2.8 * aspect + 0.45), COLUMNS, margin=0.5)
    left, right, lower, upper = grid.extent
    most, frames = room(places[0]), []

    def show(panel: Axes, values: Array, *title: str, **facts: Any) -> AxesImage:
        shown = np.maximum(values.reshape(grid.shape), top - DEPTH)  # also where the density is 0
        image = panel.imshow(
            shown, origin="lower", extent=grid.extent, vmin=top - DEPTH, vmax=top, cmap="viridis",
            aspect=grid.shape[0] / grid.shape[1] * (right - left) / (upper - lower),
        )  # fmt: skip
        head(panel, *title)
        x, y = grid.centres.T
        frames.append(pd.DataFrame(facts | {"x": x, "y": y, "log_prob": values}))
        return image

    if known is None:
        points = truth(found[0][0], POINTS)
        panel = places[0]
        panel.scatter(points[:, 0], points[:, 1], s=1, color=INK, alpha=0.5, linewidths=0, rasterized=True)
        panel.set(xlim=grid.extent[:2], ylim=grid.extent[2:])
        panel.set_aspect(grid.shape[0] / grid.shape[1] * (right - left) / (upper - lower))
        head(panel, short(dataset, most), f"{len(points):,} test points", "(density not known)")
    else:
        show(places[0], known, f"truth: {short(dataset, most - 7)}", model="truth")
    names = distinct((trial.model for trial, _ in found), most)
    for panel, (trial, (values, kind)) in zip(places[1:], found, strict=False):
        kl = score_line(run, trial, "kl")
        image = show(panel, values, names[trial.model], KINDS[kind] + (kl and f", {kl}"), model=trial.model)
    for panel in places:
        panel.set(xticks=[], yticks=[])
    bar = figure.colorbar(image, ax=figure.axes, shrink=0.6, pad=0.01)
    bar.set_label(f"log density (nats), up to {DEPTH:.0f} below the highest")
    figure.data = stacked(frames)
    figure.suptitle(f"{dataset}: log densities of models of {seed_of(trial for trial, _ in found)}")
    return figure


def _highest(densities: Sequence[Array]) -> float:
    """Return the highest finite log density in several arrays; 0 if none is finite."""
    finite = [values[np.isfinite(values)] for values in densities]
    return max((float(values.max()) for values in finite if len(values)), default=0.0)
