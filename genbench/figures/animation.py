"""Animation: the samples of all models on their way from noise to data, in one moving picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from genbench.contracts.optional_methods import SupportsTrajectory
from genbench.core.seeding import stream
from genbench.figures.shared.grids import evenly
from genbench.figures.shared.panels import datasets_of, short
from genbench.figures.shared.sample_panel import Scene
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

    from genbench.analysis.run_data import RunData
    from genbench.estimator.estimator import Estimator
    from genbench.estimator.fitted import Trajectory

__all__ = ["animate"]

Moving = tuple["Figure", "FuncAnimation"]

NEEDS_WEIGHTS = True
FRAMES, HOLD = 24, 6  # from noise to data, and how many frames the end stays
INTERVAL = 120  # milliseconds a frame
DOTS, SIDE, COLUMNS, DPI = 500, 4, 4, 80


def animate(run: RunData) -> dict[str, FuncAnimation]:
    """Return one animation a dataset: `animation` for a single dataset, else `animation-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(scene: Scene, trial: TrialRecord, estimator: Estimator) -> Trajectory:
        count, seed = scene.n, stream(trial.seed, "snapshots")
        return estimator.trajectory(count, seed).at(np.linspace(0, 1, FRAMES))

    made = by_models(
        run,
        "animation",
        datasets_of(run),
        with_methods(SupportsTrajectory),
        partial(Scene, noise=True, dots=DOTS, side=SIDE),
        show,
        _animation,
        lambda moving: moving[0],
    )
    return {stem: animation for stem, (_, animation) in made.items()}


def _animation(dataset: str, scene: Scene, found: Sequence[tuple[TrialRecord, Trajectory]]) -> Moving:
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

    columns = evenly(len(found) + 1, COLUMNS)
    rows = -(-(len(found) + 1) // columns)
    width = 1.9
    figure = Figure(figsize=(width * columns, (width * scene.aspect + 0.3) * rows + 0.4), dpi=DPI, layout="constrained")
    gap = 0.1 if scene.is_image else 0.03
    places = list(figure.subplots(rows, columns, squeeze=False, gridspec_kw={"wspace": gap}).ravel())
    scene.show(places[0], scene.real, FAINT, 2.0)
    places[0].set_title("truth")
    drawn = []
    for panel, (trial, way) in zip(places[1:], found, strict=False):
        drawn.append((scene.show(panel, way.points[0], BLUE, 2.0), way.points))
        panel.set_title(short(trial.model, 18))
    for panel in places[len(found) + 1 :]:
        panel.set_axis_off()
    heading = figure.suptitle(f"{dataset}: t = 0.00")
    settled = False

    def turn(frame: int) -> list[object]:
        nonlocal settled
        if not settled:  # to lay out each frame anew would take most of the time
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            settled = True
        k = min(frame, FRAMES - 1)
        heading.set_text(f"{dataset}: t = {k / (FRAMES - 1):.2f}")
        for artist, states in drawn:
            scene.move(artist, states[k])
        return [heading, *(artist for artist, _ in drawn)]

    return figure, FuncAnimation(figure, turn, frames=FRAMES + HOLD, interval=INTERVAL, blit=False)  # type: ignore[arg-type]
