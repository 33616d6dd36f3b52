"""A figure of samples side by side, cut for a page: first row, and panel of each model."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genbench.analysis.run_data import RunData
from genbench.report.page_figure import Box, PageFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SIDE_BY_SIDE", "Strip", "panel_boxes"]

SIDE_BY_SIDE = ("samples", "image_grids", "decisions", "gaps", "fan", "interpolation")  # the first that a dataset has
WITH_PANELS = ("samples", "image_grids")  # whose panels are the truth and then the models, in the leaderboard's order
TRUTH = ""  # the name of its panel
# Of a figure's width: what a first row may be high, and how high a figure is shown whole. Chosen by hand: a first
# screen of 1,280 × 800 has room for the table below a row.
FIRST_ROW, WHOLE = (0.1, 0.45), 0.4
BLANK = 250  # of 255: what is lighter is paper
SAME, EDGE = 0.02, 4  # what the tops of panels of one row differ by at most, as a share; pixels below their frames
WIDE = 0.7  # a band between rows of panels, as a share of the widest; bands between lines of letters are lower


@dataclass(frozen=True)
class Strip:
    """A figure of samples on a page.

    Attributes:
        id: id of the image; other places of the page show parts of it.
        cut: height in pixels of the visible part; the rest unfolds.
        panels: the view box of each model's panel, in the form of SVG; {} if unknown.
    """

    figure: PageFigure
    id: str
    cut: int
    panels: Mapping[str, str]

    @classmethod
    def of(cls, figure: PageFigure, identifier: str) -> Strip:
        """Return the strip of a figure."""
        w, h = figure.width, figure.height
        panels = {
            model: f"{w * box.x:.0f} {h * box.y:.0f} {w * box.width:.0f} {h * box.height:.0f}"
            for model, box in figure.panels.items()
        }
        return cls(figure, identifier, _first_row(figure), panels)

    @property
    def truth(self) -> str:
        """The view box of the panel of the truth; "" if unknown."""
        return self.panels.get(TRUTH, "")


def panel_boxes(run: RunData, name: str, dataset: str | None, figure: Figure) -> dict[str, Box]:
    """Return the positions of the panels of a drawn figure, by model.

    It is {} for other kinds of figures.
    """
    from genbench.figures.shared.panels import first_seeds

    if name not in WITH_PANELS or dataset is None:
        return {}
    models = [TRUTH, *(trial.model for trial in first_seeds(run, dataset))]
    if len(figure.axes) < len(models):
        return {}
    found = {}
    for model, axes in zip(models, figure.axes, strict=False):
        place = axes.get_position()  # of the last drawing; y goes up
        found[model] = Box(place.x0, 1 - place.y1, place.width, place.height)
    return found


def _first_row(figure: PageFigure) -> int:
    """Return where a figure may be cut below its first row of panels, in a wide blank band; else its height."""
    from PIL import Image

    if figure.moving or figure.height <= WHOLE * figure.width:
        return figure.height
    if figure.panels:
        top = min(box.y for box in figure.panels.values())
        return round(figure.height * max(b.y + b.height for b in figure.panels.values() if b.y - top < SAME) + EDGE)
    grey = np.asarray(Image.open(io.BytesIO(figure.content)).convert("L"))
    first, last = (round(share * figure.width) for share in FIRST_ROW)
    bands, since = [(0, 0)], None  # height and beginning of each
    for y, blank in enumerate([*(grey[first:last].min(axis=1) > BLANK), False], start=first):
        if blank and since is None:
            since = y
        elif not blank and since is not None:
            bands.append((y - since, since))
            since = None
    height, top = next(band for band in bands if band[0] >= WIDE * max(bands)[0])
    return top + height // 2 or figure.height
