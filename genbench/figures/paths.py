"""Paths of single samples from noise to data; for images, strips through time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.estimator.fitted import Trajectory
from genbench.figures.shared.panels import datasets_of, distinct, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, room
from genbench.figures.shared.trained_models import by_models, with_methods
from genbench.plotting.canvas import panels
from genbench.plotting.ranges import BINS, say_outside
from genbench.plotting.style import BLUE, FAINT, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True
PATHS, STRIPS = 10, 4  # samples in a panel, of points and of images
TURNS, STATES = 33, 8  # that are shown of a point and of an image on its way
COLUMNS = 4
FADE = (0.15, 0.9)  # opacity of a path at its start and at its end


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset: `paths` for a single dataset, else `paths-<dataset>`."""

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> Trajectory:
        count, times = (STRIPS, STATES) if view.is_image else (PATHS, TURNS)
        return estimator.trajectory(count, stream(trial.seed, "paths")).at(np.linspace(0, 1, times))

    able, view_of = with_methods(SupportsTrajectory), partial(SamplePanel, noise=True)
    return by_models(run, "paths", datasets_of(run), able, view_of, show, _figure)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, Trajectory]]) -> Figure:
    if view.is_image:
        figure, places = panels(len(found), (4.4, 2.6), 2, margin=0.5, gap=0.08)
        title = f"{dataset}: single samples from noise (left) to data (right)"
    else:
        figure, places = panels(len(found), (2.9, 2.9 * view.aspect + 0.3), COLUMNS, margin=0.5)
        title = f"{dataset}: paths of {PATHS} samples from noise (orange) to data (blue), the darker the later"
        title += view.axes.replace(", ", "\n") if view.real[0].size > 1 else "; beside them the truth"
    names = distinct((trial.model for trial, _ in found), room(places[0]))
    frames: list[pd.DataFrame] = []
    for panel, (trial, way) in zip(places, found, strict=False):
        (_strips if view.is_image else _lines)(panel, view, way)
        head(panel, names[trial.model])
        for t, points in zip(way.times, way.points, strict=True):
            frames += view.tidy(points, model=trial.model, seed=trial.seed, t=t, path=range(len(points)))
    figure.data = stacked(frames)
    figure.suptitle(title)
    return figure


def _lines(panel: Axes, view: SamplePanel, way: Trajectory) -> None:
    """Draw the paths [k, n, *shape] of points, their first and last ones marked."""
    k, n = way.points.shape[:2]
    flat = view.plane.places(way.points.reshape(k * n, -1)).reshape(k, n, -1)
    if flat.shape[2] == 1:  # a single coordinate, over time, with a histogram of the truth at the end
        times = np.broadcast_to(way.times[:, None, None], flat.shape)
        flat = np.concatenate([times, flat], axis=2)
        panel.set(xlim=(-0.05, 1.05), ylim=(view.plane.low[0], view.plane.high[0]), xlabel="t")
        side, ends = panel.inset_axes((1.02, 0, 0.2, 1), sharey=panel), panel.get_ylim()
        seaborn.histplot(
            y=view.plane.places(view.real)[:, 0], bins=BINS, binrange=ends, color=FAINT, linewidth=0, ax=side
        )
        side.set_axis_off()
    else:
        view.show(panel, view.real, FAINT)
    pieces = np.stack([flat[:-1], flat[1:]], axis=2).swapaxes(0, 1)  # (n, k − 1, 2 ends, 2)
    alpha = np.tile(np.linspace(*FADE, k - 1), n)
    panel.add_collection(LineCollection(list(pieces.reshape(-1, 2, 2)), colors=BLUE, alpha=alpha, lw=0.9))
    panel.plot(flat[0, :, 0], flat[0, :, 1], "o", color=VERMILLION, ms=3.2, mew=0)
    say_outside(panel, view.plane.outside(way.points[-1]))
    panel.plot(flat[-1, :, 0], flat[-1, :, 1], "o", color=BLUE, ms=3.2, mec="white", mew=0.4)


def _strips(panel: Axes, view: SamplePanel, way: Trajectory) -> None:
    """Draw each image at a few evenly spaced times, one row a sample."""
    states = way.points.swapaxes(0, 1)  # (n, k, c, h, w)
    image = view.as_one(states.reshape(-1, *states.shape[2:]), STATES)
    panel.imshow(image, interpolation="nearest")
    panel.set_axis_off()
