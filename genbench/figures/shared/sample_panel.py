"""Panels of one dataset: points as dots on common axes, or some images in a square."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from genbench.core.types import Array
from genbench.figures.shared.panels import levels_of, truth
from genbench.plotting.image_grid import mosaic, seen
from genbench.plotting.projection import view_of
from genbench.plotting.ranges import say_outside
from genbench.plotting.style import BLUE
from genbench.storage.records import TrialRecord

__all__ = ["SamplePanel"]

DOTS, SIDE = 2_000, 4  # dots in a panel; images along its side
NOISE = 2.8  # standard deviations of normal noise that fit on the axes
NOTED = 0.02  # share of points beyond the axes that is worth a note
MOST_NOISE = 2.0  # extents of the data that this adds at most on each side


class SamplePanel:
    """The panels of one dataset, all with the same axes.

    `real` are as many points of the truth [n, *shape] as a panel shows.
    """

    def __init__(
        self,
        trial: TrialRecord,
        noise: bool = False,
        dots: int = DOTS,
        side: int = SIDE,
        noted: float = NOTED,
        reference: Array | None = None,
    ) -> None:
        """Look at the dataset of a trial.

        Args:
            noise: whether the axes leave room for the noise from which samples come.
            dots, side: how many dots, or images along a side, a panel shows.
            noted: share of points beyond the axes above which a panel says how many they are.
            reference: points of the truth [m, *shape] that set the axes; drawn from the dataset unless given.
        """
        reference = truth(trial, max(dots, 1_000)) if reference is None else reference
        self.side, self.noted, self.levels = side, noted, levels_of(trial)
        self.is_image = reference.ndim == 4  # [m, c, h, w]
        self.n = side**2 if self.is_image else dots
        self.real = reference[: self.n]
        self.black_and_white = float(reference.min()), float(reference.max())
        if not self.is_image:
            self.plane = view_of(reference)
            if noise:  # room for N(mean, variance) of the data, which is what N(0, I) is in their units
                flat = self.plane.places(reference)
                mean, std = flat.mean(axis=0), flat.std(axis=0)
                low, high = self.plane.low, self.plane.high
                most = MOST_NOISE * (high - low)  # of data with outliers it would leave nothing to see
                self.plane.low = np.minimum(low, np.maximum(mean - NOISE * std, low - most))
                self.plane.high = np.maximum(high, np.minimum(mean + NOISE * std, high + most))

    @property
    def aspect(self) -> float:
        """The height of a panel divided by its width."""
        return 1.0 if self.is_image else self.plane.aspect

    @property
    def axes(self) -> str:
        """The meaning of the axes, as text; "" for images and if axes are coordinates."""
        return "" if self.is_image else self.plane.axes

    def show(self, panel: Axes, x: Array, colour: str = BLUE, size: float = 1.2, still: bool = True) -> Any:
        """Draw points x [n, *shape], and return the artists for `move`.

        If the panel is still, it also says how many points are outside.
        """
        if self.is_image:
            drawn = panel.imshow(self.as_one(x), interpolation="nearest", vmin=0, vmax=1)
            panel.set_axis_off()
            return drawn
        drawn = self.plane.show(panel, x, colour, size)
        self.frame(panel)
        if still and (count := self.plane.outside(x)) > self.noted * len(x):
            say_outside(panel, count)
        return drawn

    def frame(self, panel: Axes) -> None:
        """Set the common axes of a panel, or no axes for images."""
        if self.is_image:
            panel.set_axis_off()
        else:
            self.plane.frame(panel)

    def tidy(self, x: Array, **facts: Any) -> list[pd.DataFrame]:
        """Return the points x [n, *shape] that `show` draws as a tidy frame.

        `facts` are columns with one value. For images there is no frame.
        """
        return [] if self.is_image else [self.plane.tidy(x, **facts)]

    def move(self, drawn: Any, x: Array) -> None:
        """Move the artists of a panel to other points x [n, *shape]."""
        if self.is_image:
            drawn.set_data(self.as_one(x))
        else:
            self.plane.move(drawn, x)

    def as_one(self, x: Array, side: int | None = None) -> Array:
        """Return images x [n, c, h, w] as one colour image [height, width, 3].

        `side` is the number of images in a row.
        """
        grid = np.nan_to_num(mosaic(seen(x, self.levels, self.black_and_white), side or self.side), nan=1.0)
        used = -(-len(x) // (side or self.side)) * (x.shape[2] + 1) - 1
        coloured: Array = grid[:used].repeat(3 // grid.shape[2], axis=2)
        return coloured
