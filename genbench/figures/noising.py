"""Noising in snapshots: data on their way to noise, as each diffusion and flow matching model learns to see them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from genbench.contracts.optional_methods import SupportsNoising
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.figures.shared.grids import rows_of_panels
from genbench.figures.shared.panels import datasets_of
from genbench.figures.shared.sample_panel import Scene
from genbench.storage.records import TrialRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.analysis.run_data import RunData
    from genbench.estimator.estimator import Estimator

__all__ = ["Snapshot", "draw"]

NEEDS_WEIGHTS = True
TIMES = (1.0, 0.9, 0.75, 0.5, 0.25, 0.0)


class Snapshot(NamedTuple):
    """Noised points [n, *shape] at a time t, and α and β of x_t = α x + β ε, where it is that."""

    t: float
    points: Array
    level: tuple[float, float] | None

    @property
    def title(self) -> str:
        """The time, and how much of the data is left."""
        if self.level is None:
            return f"t = {self.t:.2f}"
        alpha, beta = self.level
        return f"t = {self.t:.2f}: {alpha:.2f} x + {beta:.2f} ε"


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `noising` for a single dataset, else `noising-<dataset>`."""
    from genbench.figures.shared.trained_models import by_models, with_methods

    def show(scene: Scene, trial: TrialRecord, estimator: Estimator) -> list[Snapshot]:
        real, seed = scene.real, stream(trial.seed, "snapshots")
        return [Snapshot(t, estimator.noised(real, t, seed), estimator.noise_level(t)) for t in TIMES]

    able, scene_of = with_methods(SupportsNoising), partial(Scene, noise=True)
    return by_models(run, "noising", datasets_of(run), able, scene_of, show, _figure)


def _figure(dataset: str, scene: Scene, found: Sequence[tuple[TrialRecord, list[Snapshot]]]) -> Figure:
    figure, rows = rows_of_panels(scene, [trial.model for trial, _ in found], len(TIMES))
    for panels, (_, snapshots) in zip(rows, found, strict=True):
        for panel, snapshot in zip(panels, snapshots, strict=True):
            scene.show(panel, snapshot.points)
            panel.set_title(snapshot.title, fontsize=9)
    axes = "" if scene.is_image else scene.axes
    figure.suptitle(f"{dataset}: data x on their way to noise ε, as each model learns from them{axes}")
    return figure
