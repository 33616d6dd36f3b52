"""Where points of any dimension are shown on a page: in a histogram, in the plane, or by principal components."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genbench.core.types import Array
from genbench.plotting.ranges import edges, limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Line", "Plane", "View", "view_of"]

MARGIN = 0.12  # room beside the points, as a share of their extent
LARGEST, MANY = 9.0, 1_200  # square points of a dot where points are few; the number that needs none larger than 1
DRAWN = 1e3  # extents beyond which a point is not drawn: its place on the page would overflow


class View(Protocol):
    """How the points of a dataset are shown, in all panels alike.

    `low` and `high` [k] are the ends of the k axes, `aspect` the height of a panel as a share of its width, and `axes`
    says in words what the axes are.
    """

    real: Array
    axes: str
    low: Array
    high: Array

    @property
    def aspect(self) -> float: ...

    def project(self, x: Array) -> Array:
        """Return where points [n, d] lie on the axes, [n, k]."""

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        """Draw points [n, *shape] and return what `move` can move."""

    def outside(self, points: Array) -> int:
        """Return how many points [n, *shape] lie beyond the axes."""

    def move(self, drawn: Any, points: Array) -> None:
        """Let what was drawn show other points [n, *shape]."""

    def frame(self, panel: Axes) -> None:
        """Give a panel the limits of all."""


def view_of(real: Array) -> View:
    """Return the view for points of the truth [n, *shape]."""
    flat = _flat(real)
    if flat.shape[1] == 1:
        return Line(real)
    if flat.shape[1] == 2:
        return Plane(real, lambda points: points, "")
    return Plane(real, _components(flat), ", first two principal components")


class Plane:
    """Points as dots: where they are in the plane, else by their first two principal components."""

    def __init__(self, real: Array, project: Callable[[Array], Array], axes: str) -> None:
        self.real, self.project, self.axes = real, project, axes  # points [n, *shape]; [n, d] -> [n, 2]; in words
        self.low, self.high = limits(project(_flat(real)), MARGIN)
        width, height = self.high - self.low
        self.equal = max(width, height) < 4 * min(width, height)

    @property
    def aspect(self) -> float:
        width, height = self.high - self.low
        return float(np.clip(height / width, 0.4, 1.2))

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        x = self._places(points)
        size = max(size, min(LARGEST, MANY / max(1, len(x))))
        return panel.scatter(x[:, 0], x[:, 1], s=size, alpha=0.5, color=colour, linewidths=0, rasterized=True)

    def move(self, drawn: Any, points: Array) -> None:
        drawn.set_offsets(self._places(points))

    def outside(self, points: Array) -> int:
        return _beyond(self, points)

    def frame(self, panel: Axes) -> None:
        panel.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), xticks=[], yticks=[])
        panel.set_aspect("equal" if self.equal else "auto")

    def _places(self, points: Array) -> Array:
        far = DRAWN * (self.high - self.low)
        return np.clip(self.project(_flat(points)), self.low - far, self.high + far)


class Line:
    """Points of a single coordinate as a histogram, with the same bins in all panels."""

    axes = ""
    aspect = 0.8

    def __init__(self, real: Array) -> None:
        self.real = real
        self.low, self.high = limits(_flat(real), MARGIN)

    def project(self, x: Array) -> Array:
        return x

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> Any:
        return panel.stairs(self._heights(points), self._edges, fill=True, color=colour, alpha=0.6)

    def move(self, drawn: Any, points: Array) -> None:
        drawn.set_data(values=self._heights(points))

    def outside(self, points: Array) -> int:
        return _beyond(self, points)

    def frame(self, panel: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        most = 1.5 * float(self._heights(self.real).max())  # room for a model that is higher than the truth
        panel.set(xlim=(self.low[0], self.high[0]), ylim=(0, most or 1.0), yticks=[])
        panel.xaxis.set_major_locator(MaxNLocator(3))

    @property
    def _edges(self) -> Array:
        return edges(_flat(self.real)[:, 0], float(self.low[0]), float(self.high[0]))

    def _heights(self, points: Array) -> Array:
        """Return the density of points in each bin; those outside count as well."""
        places = self._edges
        heights: Array = np.histogram(_flat(points)[:, 0], places)[0] / (len(points) * np.diff(places))
        return heights


def _beyond(view: View, points: Array) -> int:
    x = view.project(_flat(points))
    return int(((x < view.low) | (x > view.high)).any(axis=1).sum())


def _flat(points: Array) -> Array:
    return points.reshape(len(points), -1)


def _components(x: Array) -> Callable[[Array], Array]:
    """Return the map to the first two principal components of standardised points x [n, d]."""
    mean, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    axes = np.linalg.svd((x - mean) / scale, full_matrices=False)[2][:2]  # (2, d)
    if len(axes) < 2:  # a single point has one direction
        axes = np.vstack([axes, np.zeros_like(axes)])
    return lambda points: ((points - mean) / scale) @ axes.T
