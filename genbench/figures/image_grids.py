"""Samples of image datasets: one grid of images for the truth and for each model."""

from __future__ import annotations

from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.figures.samples import side_by_side
from genbench.figures.shared.panels import by_dataset, datasets_of

__all__ = ["draw"]

SIDE = 6  # images along a side of a grid


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per image dataset, by file stem.

    The stem is `image_grids` for a single dataset, else `image_grids-<dataset>`.
    """
    names = datasets_of(run, images=True)
    return by_dataset(run, "image_grids", names, lambda name: side_by_side(run, name, SIDE**2, 4, side=SIDE))
