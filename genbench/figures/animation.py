"""Animation of the samples of all models, from noise to data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.estimator.fitted import Trajectory
from genbench.figures.shared.panels import datasets_of, distinct, short
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, room
from genbench.figures.shared.trained_models import by_models, with_methods
from genbench.plotting.canvas import panels, settle
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

__all__ = ["animate"]

NEEDS_WEIGHTS = True
FRAMES, HOLD = 24, 6  # from noise to data, and of the end
INTERVAL = 120  # milliseconds per frame
DOTS, SIDE, COLUMNS, WIDTH, DPI = 500, 4, 4, 1.9, 80  # width in inches; few dots and pixels keep the file small


def animate(run: RunData) -> dict[str, FuncAnimation]:
    """Return one animation per dataset, by file stem.

    The stem is `animation` for a single dataset, else `animation-<dataset>`.
    """

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> Trajectory:
        return estimator.trajectory(view.n, stream(trial.seed, "snapshots")).at(np.linspace(0, 1, FRAMES))

    moving: dict[Figure, FuncAnimation] = {}
    able, view_of = with_methods(SupportsTrajectory), partial(SamplePanel, noise=True, dots=DOTS, side=SIDE)
    figures = by_models(run, "animation", datasets_of(run), able, view_of, show, partial(_figure, moving))
    return {stem: moving[figure] for stem, figure in figures.items()}


def _figure(
    moving: dict[Figure, FuncAnimation],
    dataset: str,
    view: SamplePanel,
    found: Sequence[tuple[TrialRecord, Trajectory]],
) -> Figure:
    """Draw the first frame of all models, and put the animation of the figure into `moving`."""
    count, gap = len(found) + 1, 0.1 if view.is_image else 0.03
    figure, places = panels(count, (WIDTH, WIDTH * view.aspect + 0.3), COLUMNS, gap=gap)
    figure.set_dpi(DPI)
    view.show(places[0], view.real, FAINT, 2.0)
    places[0].set_title("truth")
    drawn = []
    names = distinct((trial.model for trial, _ in found), room(places[0]))
    for panel, (trial, way) in zip(places[1:], found, strict=False):
        drawn.append((view.show(panel, way.points[0], BLUE, 2.0, still=False), way.points))
        head(panel, names[trial.model])
    label = short(dataset, 40)
    heading = figure.suptitle(f"{label}: t = 0.00")
    settled = False

    def turn(frame: int) -> list[object]:
        nonlocal settled
        if not settled:  # a layout for each frame would take most of the time
            settle(figure)
            settled = True
        k = min(frame, FRAMES - 1)
        heading.set_text(f"{label}: t = {k / (FRAMES - 1):.2f}")
        for artist, states in drawn:
            view.move(artist, states[k])
        return [heading, *(artist for artist, _ in drawn)]

    moving[figure] = FuncAnimation(figure, turn, frames=FRAMES + HOLD, interval=INTERVAL, blit=False)  # type: ignore[arg-type]
    return figure
