"""Where points of any dimension are shown on a page: themselves in the plane, else their principal components."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from genbench.core.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Plane", "limits"]


class Plane:
    """Where points of any shape are shown: themselves in the plane, else by their first two principal components."""

    def __init__(self, real: Array, project: Callable[[Array], Array], axes: str) -> None:
        self.real, self.project, self.axes = real, project, axes  # points [n, *shape]; [n, d] -> [n, 2]; in words
        self.low, self.high = limits(project(_flat(real)), 0.12)
        width, height = self.high - self.low
        self.aspect = float(np.clip(height / width, 0.4, 1.2))  # height of a panel as a share of its width
        self.equal = max(width, height) < 4 * min(width, height)

    @classmethod
    def of(cls, real: Array) -> Plane:
        """Return the plane for points of the truth [n, *shape]."""
        flat = _flat(real)
        if flat.shape[1] == 2:
            return cls(real, lambda points: points, "")
        return cls(real, _components(flat), ", first two principal components")

    def show(self, panel: Axes, points: Array, colour: str, size: float = 1.2) -> None:
        """Scatter points [n, *shape]."""
        x = self.project(_flat(points))
        panel.scatter(x[:, 0], x[:, 1], s=size, alpha=0.5, color=colour, linewidths=0, rasterized=True)

    def frame(self, panel: Axes) -> None:
        """Give a panel the limits of all, without ticks."""
        panel.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), xticks=[], yticks=[])
        panel.set_aspect("equal" if self.equal else "auto")


def _flat(points: Array) -> Array:
    """Return points [n, *shape] as [n, d], a single coordinate with a second that is 0."""
    flat = points.reshape(len(points), -1)
    return flat if flat.shape[1] > 1 else np.pad(flat, ((0, 0), (0, 1)))


def _components(x: Array) -> Callable[[Array], Array]:
    """Return the map to the first two principal components of standardised points x [n, d]."""
    mean, scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    axes = np.linalg.svd((x - mean) / scale, full_matrices=False)[2][:2]  # (2, d)
    return lambda points: ((points - mean) / scale) @ axes.T


def limits(real: Array, margin: float) -> tuple[Array, Array]:
    """Return the least and the largest coordinates [2] of what is shown of real points [n, 2]: nearly all, and room.

    Args:
        margin: the room on each side, as a share of the extent.
    """
    low, high = np.quantile(real, 0.001, axis=0), np.quantile(real, 0.999, axis=0)
    room = margin * (high - low)
    return low - room, high + room
