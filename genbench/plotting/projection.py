"""Views of points of any dimension: a histogram, the plane, or principal components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.core.types import Array
from genbench.plotting.ranges import BINS, limits

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Line", "Plane", "View", "view_of"]

MARGIN = 0.12  # room beside the points, as a share of their extent
LARGEST, MANY = 9.0, 1_200  # points² of a dot where dots are few; number of dots from which on it is 1
DRAWN = 1e3  # extents beyond the axes at which points are clipped, as their pixels would overflow


class View(ABC):
    """The view of the points of a dataset, the same in all panels.

    Attributes:
        real: points of the truth [n, *shape].
        names: names of the k axes, as columns of a frame.
        axes: the meaning of the axes, as text; "" if they are the coordinates themselves.
        low, high: the ends of the axes [k].
    """

    axes = ""

    def __init__(self, real: Array, *names: str) -> None:
        self.real, self.names = real, names
        self.low, self.high = limits(self.places(real), MARGIN)

    @property
    @abstractmethod
    def aspect(self) -> float:
        """The height of a panel divided by its width."""

    @abstractmethod
    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        """Draw points [n, *shape] and return the artists for `move`."""

    @abstractmethod
    def move(self, drawn: Any, points: Array) -> None:
        """Move the drawn points to other points [n, *shape]."""

    @abstractmethod
    def frame(self, panel: Axes) -> None:
        """Set the common limits of a panel."""

    def places(self, points: Array) -> Array:
        """Return the positions of points [n, *shape] on the axes, [n, k]."""
        return points.reshape(len(points), -1)

    def outside(self, points: Array) -> int:
        """Return how many points [n, *shape] are outside the axes."""
        x = self.places(points)
        return int(((x < self.low) | (x > self.high)).any(axis=1).sum())

    def tidy(self, points: Array, **facts: Any) -> pd.DataFrame:
        """Return a frame with a row for each point: shared facts, then positions on the axes."""
        import pandas as pd

        index = range(len(points))  # else facts alone would give a single row
        return pd.DataFrame(facts | dict(zip(self.names, self.places(points).T, strict=True)), index=index)


def view_of(real: Array) -> View:
    """Return the view for points of the truth [n, *shape]."""
    size = real[0].size
    return Line(real, "x") if size == 1 else Plane(real, "x", "y") if size == 2 else Components(real)


class Plane(View):
    """Points of the plane, drawn as dots."""

    def __init__(self, real: Array, *names: str) -> None:
        super().__init__(real, *names)
        width, height = self.high - self.low
        self.equal = max(width, height) < 4 * min(width, height)

    @property
    def aspect(self) -> float:
        width, height = self.high - self.low
        return float(np.clip(height / width, 0.4, 1.2))

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        x = self._drawn(points)
        size = max(size, min(LARGEST, MANY / max(1, len(x))))
        return panel.scatter(x[:, 0], x[:, 1], s=size, alpha=0.5, color=colour, linewidths=0, rasterized=True)

    def move(self, drawn: Any, points: Array) -> None:
        drawn.set_offsets(self._drawn(points))

    def frame(self, panel: Axes) -> None:
        panel.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), xticks=[], yticks=[])
        panel.set_aspect("equal" if self.equal else "auto")

    def _drawn(self, points: Array) -> Array:
        far = DRAWN * (self.high - self.low)
        return np.clip(self.places(points), self.low - far, self.high + far)


class Components(Plane):
    """Points of more than two coordinates, drawn as dots in the first two components.

    These are the principal components of the standardised truth.
    """

    axes = ", first two principal components"

    def __init__(self, real: Array) -> None:
        x = real.reshape(len(real), -1)  # (n, d)
        self.mean, self.scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
        directions = np.linalg.svd((x - self.mean) / self.scale, full_matrices=False)[2][:2]
        self.directions = np.pad(directions, ((0, 2 - len(directions)), (0, 0)))  # a single point gives one direction
        super().__init__(real, "component 1", "component 2")

    def places(self, points: Array) -> Array:
        return ((points.reshape(len(points), -1) - self.mean) / self.scale) @ self.directions.T


class Line(View):
    """Points of one coordinate, drawn as a histogram with the same bins in all panels."""

    aspect = 0.8

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        return panel.stairs(*self._bars(points), fill=True, color=colour, alpha=0.6)

    def move(self, drawn: Any, points: Array) -> None:
        drawn.set_data(*self._bars(points))

    def frame(self, panel: Axes) -> None:
        most = 1.5 * float(self._bars(self.real)[0].max())  # room for a model that is higher than the truth
        panel.set(xlim=(self.low[0], self.high[0]), ylim=(0, most or 1.0), yticks=[])
        panel.locator_params(axis="x", nbins=3)

    def _bars(self, points: Array) -> tuple[Array, Array]:
        """Return the density of points in each bin, and the edges of the bins; those outside count as well."""
        edges = np.histogram_bin_edges(self.places(self.real)[:, 0], BINS, (float(self.low[0]), float(self.high[0])))
        counts = np.histogram(self.places(points)[:, 0], edges)[0]
        return counts / (max(1, len(points)) * np.diff(edges)), edges
