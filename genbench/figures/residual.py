"""Residuals of densities: log p of each model minus log p of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import SyntheticDataset
from genbench.core.types import Array
from genbench.display.numbers import brief
from genbench.estimator.estimator import Estimator
from genbench.figures.densities import DEPTH, KINDS, Grid, on_grid
from genbench.figures.shared.coordinates import held_out
from genbench.figures.shared.panels import by_dataset, dataset_of, datasets_of, distinct, first_seeds, truth
from genbench.figures.shared.trained_models import by_models
from genbench.plotting.canvas import panels
from genbench.plotting.ranges import edges, say_outside
from genbench.plotting.style import BLUE, FAINT, INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True  # over the plane; test points have theirs in the store
POINTS, COLUMNS = 4_000, 4  # points of the truth and of a model that are considered; panels in a row
MARKED, WORTH = 25, float(np.log(2))  # points that are marked, at most, and nats from which on: half, or twice
REACHES = (0.5, 1.0, 2.0, 4.0, DEPTH)  # nats at the ends of the colours
BINS = 10  # along log p of the truth, with a tenth of the points each
PLANE = (
    "Blue: the model's density is too high, red: too low; white: equal. Densities more than {depth:.0f} nats below the "
    "truth's highest count as that. Circles: points of the truth that the model misses, up to {marked} of the tenth "
    "with the lowest residuals; crosses: samples of the model, of the tenth with the highest; both only where one "
    "density is more than twice the other."
)
LINE = (
    "At test points. Line and band: median and quartiles of ten equal groups along the truth's log density; right: the "
    "histogram of all. The mean is −KL. A model that is too smooth lies below 0 where the truth is dense (right)."
)


class Cells(NamedTuple):
    """Cells of the plane, the true log-density in them [cells], and true points [n, 2]."""

    grid: Grid
    exact: Array
    real: Array


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset with a known density, by file stem.

    The stem is `residual` for a single dataset, else `residual-<dataset>`.
    """

    def cells_of(trial: TrialRecord) -> Cells:
        real, known = truth(trial, POINTS), dataset_of(trial)
        assert isinstance(known, SyntheticDataset)
        grid = Grid.over(real)
        return Cells(grid, known.log_prob(grid.centres), real)

    def show(cells: Cells, trial: TrialRecord, estimator: Estimator) -> tuple[Array, Array | None]:
        return on_grid(run, cells.grid, trial, estimator), run.samples(trial.key)

    known = {name: dataset_of(first_seeds(run, name)[0]) for name in datasets_of(run)}
    known = {name: one for name, one in known.items() if isinstance(one, SyntheticDataset) and one.has_density}
    planar = [name for name, one in known.items() if one.shape == (2,)]
    frames = {name: frame for name in known if name not in planar and len(frame := _point_frame(run, name))}
    figures = by_dataset(run, "residual", frames, lambda name: _trends(name, frames[name], run))
    return figures | by_models(
        run, "residual", planar, lambda card: card.likelihood != "none", cells_of, show, _over_plane
    )


def _frame(cells: Cells, found: Sequence[tuple[TrialRecord, tuple[Array, Array | None]]]) -> pd.DataFrame:
    """Return a row for each model and cell; densities too low for a colour are raised to the lowest with one."""
    floor = _floor(cells.exact)
    exact = np.maximum(cells.exact, floor)
    parts = [
        pd.DataFrame(dict(zip("xy", cells.grid.centres.T, strict=True))).assign(
            model=trial.model, log_p_model=np.maximum(values, floor), log_p_true=exact
        )
        for trial, (values, _) in found
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(residual=frame["log_p_model"] - frame["log_p_true"])


def _floor(exact: Array) -> float:
    return float(exact[np.isfinite(exact)].max(initial=-np.inf)) - DEPTH


def _over_plane(dataset: str, cells: Cells, found: Sequence[tuple[TrialRecord, tuple[Array, Array | None]]]) -> Figure:
    grid, (h, w) = cells.grid, cells.grid.shape
    left, right, lower, upper = grid.extent
    figure, places = panels(len(found), (2.8, 2.8 * min(1.2, h / w) + 0.45), COLUMNS, margin=1.0)
    figure.data = _frame(cells, found)
    reach = _reach(figure.data["residual"].to_numpy().reshape(len(found), -1), cells.exact)
    names = distinct(trial.model for trial, _ in found)
    for panel, (trial, (_, samples)) in zip(places, found, strict=False):
        values = figure.data.loc[figure.data["model"] == trial.model, "residual"].to_numpy().reshape(h, w)
        image = panel.imshow(
            values, origin="lower", extent=grid.extent, vmin=-reach, vmax=reach, cmap="RdBu",
            aspect=h / w * (right - left) / (upper - lower),
        )  # fmt: skip
        for points, sign, mark in ((cells.real, -1, "o"), (samples, 1, "X")):
            its = _worst(points, grid, sign * values)
            panel.scatter(its[:, 0], its[:, 1], marker=mark, s=22, facecolors="white", edgecolors=INK, linewidths=0.8)
        panel.set(xticks=[], yticks=[], xlim=(left, right), ylim=(lower, upper))
        panel.set_title(f"{names[trial.model]}\n{_facts(trial)}")
    bar = figure.colorbar(image, ax=figure.axes, shrink=0.6, pad=0.01, extend="both" if reach < DEPTH else "neither")
    bar.set_label("log p of the model − log p of the truth (nats)")
    figure.suptitle(f"{dataset}: where densities are too high and too low")
    figure.supxlabel(PLANE.format(depth=DEPTH, marked=MARKED))
    return figure


def _reach(residuals: Array, exact: Array) -> float:
    """Return the ends of the colours, of residuals [models, cells]: most of most models is inside.

    For at least half of the models it is 95 % of the truth's mass, whose log-density in the cells is `exact`.
    """
    weight = np.exp(exact - exact.max())
    shares = [np.median(np.average(np.abs(residuals) <= reach, axis=1, weights=weight)) for reach in REACHES]
    return next((reach for reach, share in zip(REACHES, shares, strict=True) if share >= 0.95), DEPTH)


def _worst(points: Array | None, grid: Grid, excess: Array) -> Array:
    """Return some of the points [n, 2] in cells with the largest excess [h, w]: `MARKED` of a tenth, if worth it."""
    if points is None or points.shape[1:] != (2,):
        return np.empty((0, 2))
    (h, w), (left, right, lower, upper) = grid.shape, grid.extent
    points = points[:POINTS]
    place = (points - [left, lower]) / [right - left, upper - lower] * [w, h]
    inside = ((place >= 0) & (place < [w, h])).all(axis=1)
    points, (x, y) = points[inside], place[inside].astype(int).T
    its = excess[y, x]
    tenth = np.flatnonzero(its > max(WORTH, float(np.quantile(its, 0.9)) if len(its) else 0.0))
    return points[tenth[:: max(1, -(-len(tenth) // MARKED))]]  # in their own order: not all of one place


def _facts(trial: TrialRecord) -> str:
    """Return the kind of a model's density, and its KL."""
    kl = trial.metrics.get("kl")
    return KINDS.get(trial.likelihood, "") + ("" if kl is None else f", KL {brief(kl)}")


def _point_frame(run: RunData, dataset: str) -> pd.DataFrame:
    """Return a row for each model and test point: both log-densities, as they were scored, in nats."""
    trials = [trial for trial in first_seeds(run, dataset) if trial.status == "ok" and trial.role != "oracle"]

    @cache
    def exact(seed: int) -> Array:
        known, test = held_out(run, next(trial for trial in trials if trial.seed == seed))
        return known.log_prob(test[:POINTS]) if isinstance(known, SyntheticDataset) else np.empty(0)

    parts = []
    for trial in trials:
        its = run.arrays(trial.key).get("test_log_prob")
        if its is not None and len(its):
            both = dict(zip(("log_p_true", "log_p_model"), _common(exact(trial.seed), its), strict=True))
            parts.append(pd.DataFrame(both).assign(model=trial.model))
    if not parts:
        return pd.DataFrame()
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(residual=frame["log_p_model"] - frame["log_p_true"])


def _common(a: Array, b: Array) -> tuple[Array, Array]:
    n = min(len(a), len(b))
    return a[:n], b[:n]


def _trends(dataset: str, frame: pd.DataFrame, run: RunData) -> Figure:
    trials = {trial.model: trial for trial in first_seeds(run, dataset)}
    names = distinct(map(str, frame["model"].unique()))
    figure, places = panels(len(names), (2.9, 2.6), COLUMNS, margin=1.2)
    figure.data = frame
    finite = frame[np.isfinite(frame["residual"])]
    spread = finite.groupby("model")["residual"].quantile([0.005, 0.995]).unstack()
    low, high = min(0.0, spread[0.005].median()), max(0.0, spread[0.995].median())  # as most models need it
    room = 0.1 * (high - low) or 0.5
    for panel, model in zip(places, names, strict=False):
        _trend(panel, frame[frame["model"] == model], low - room, high + room)
        panel.set_title(f"{names[model]}\n{_facts(trials[model])}")
        place = panel.get_subplotspec()
        assert place is not None
        panel.set(xlabel="log p of the truth (nats)" if place.is_last_row() else "", ylabel="")
        panel.tick_params(labelleft=place.is_first_col())
    figure.supylabel("log p of the model − log p of the truth (nats)")
    figure.suptitle(f"{dataset}: densities at test points beside the true ones")
    figure.supxlabel(LINE)
    return figure


def _trend(panel: Axes, part: pd.DataFrame, low: float, high: float) -> None:
    """Draw the residuals of one model along log p of the truth, and at the right their histogram."""
    inside = part[part["residual"].between(low, high)]
    groups = pd.qcut(part["log_p_true"], BINS, labels=False, duplicates="drop")
    middle = part["log_p_true"].groupby(groups).transform("median")
    panel.axhline(0, color=INK, linewidth=0.8)
    sns.scatterplot(
        inside, x="log_p_true", y="residual", s=3, color=FAINT, alpha=0.4, linewidth=0, ax=panel, rasterized=True
    )
    sns.lineplot(
        part.assign(middle=middle), x="middle", y="residual", estimator="median", errorbar=("pi", 50), marker="o",
        markersize=4, color=BLUE, ax=panel,
    )  # fmt: skip
    left, right = part["log_p_true"].quantile([0.002, 0.998])
    width = (right - left) or 1.0
    panel.set(xlim=(left - 0.03 * width, right + 0.35 * width), ylim=(low, high))
    panel.set_xticks([tick for tick in MaxNLocator(4).tick_values(left, right) if left <= tick <= right])
    side = panel.inset_axes((0.78, 0, 0.22, 1), sharey=panel)
    sns.histplot(y=inside["residual"], bins=list(edges(inside["residual"].to_numpy(), low, high)), element="step",
                 color=BLUE, alpha=0.3, linewidth=0.8, ax=side)  # fmt: skip
    side.set_axis_off()
    say_outside(panel, len(part) - len(inside), right=0.76)
