"""Test points and their reconstructions through the latent space of a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.model import ModelCard
from genbench.contracts.optional_methods import SupportsDecoding, SupportsEncoding, SupportsReconstruction, supports
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.panels import datasets_of, distinct, stacked
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, room
from genbench.figures.shared.trained_models import by_models
from genbench.plotting.canvas import panels
from genbench.plotting.style import BLUE, FAINT, INK, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True
# Chosen by hand. Points that are reconstructed; of images, rows of pairs, and pairs in a row.
POINTS, SIDE = 150, 4
COLUMNS = 4


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset, by file stem.

    The stem is `reconstructions` for a single dataset, else `reconstructions-<dataset>`.
    """

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> Array:
        return estimator.reconstruct(view.real[:POINTS])

    view_of = partial(SamplePanel, side=SIDE)
    return by_models(run, "reconstructions", datasets_of(run), _reconstructs, view_of, show, _figure)


def _reconstructs(card: ModelCard) -> bool:
    model = card.factory
    return supports(model, SupportsReconstruction) or supports(model, SupportsEncoding, SupportsDecoding)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, Array]]) -> Figure:
    real = view.real[:POINTS]
    if view.is_image:
        figure, places = panels(len(found), (4.2, 2.5), 3, margin=0.5, gap=0.08)
        title = f"{dataset}: {len(real)} pairs of a test image (left) and its reconstruction (right)"
    else:
        figure, places = panels(len(found), (2.9, 2.9 * view.aspect + 0.5), COLUMNS, margin=0.5)
        what = f"{dataset}: {len(real)} test points"
        title = f"{what} (black), and lines to their reconstructions (blue){view.axes}"
        if real[0].size == 1:
            title = f"{what} (across) and their reconstructions (up)"
    names = distinct((trial.model for trial, _ in found), room(places[0]))
    frames: list[pd.DataFrame] = []
    for panel, (trial, back) in zip(places, found, strict=False):
        (_pairs if view.is_image else _links)(panel, view, real, back)
        error = float(np.sqrt(np.square(back - real).mean()))
        head(panel, names[trial.model], f"RMS error {error:.2g}")
        for of, points in (("test", real), ("reconstruction", back)):
            frames += view.tidy(points, model=trial.model, seed=trial.seed, point=range(len(real)), of=of)
    figure.data = stacked(frames)
    figure.suptitle(title)
    return figure


def _links(panel: Axes, view: SamplePanel, real: Array, back: Array) -> None:
    """Draw points [n, *shape], and a line from each to what came back; of one coordinate, one against the other."""
    a, b = (view.plane.places(x) for x in (real, back))
    if a.shape[1] == 1:
        ends = (float(view.plane.low[0]), float(view.plane.high[0]))
        panel.plot(ends, ends, color=FAINT, lw=0.8)
        panel.plot(a[:, 0], b[:, 0], "o", color=BLUE, ms=3, mew=0)
        panel.set(xlim=ends, ylim=ends)
        return
    view.show(panel, view.real, FAINT, 0.8)
    panel.plot(*np.stack([a, b]).transpose(2, 0, 1), color=VERMILLION, lw=0.8)
    panel.plot(*a.T, "o", color=INK, ms=3.4, mew=0)
    panel.plot(*b.T, "o", color=BLUE, ms=2, mew=0)
    view.plane.frame(panel)


def _pairs(panel: Axes, view: SamplePanel, real: Array, back: Array) -> None:
    """Draw images [n, c, h, w] each beside what came back, with a gap after a pair."""
    panel.imshow(
        view.as_one(np.stack([real, back], axis=1).reshape(-1, *real.shape[1:]), 2 * SIDE), interpolation="nearest"
    )
    for k in range(1, SIDE):
        panel.axvline(2 * k * (real.shape[3] + 1) - 1, color=BLUE, lw=1.5)
    panel.set_axis_off()
