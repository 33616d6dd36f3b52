"""Images for display: quantised to grey levels, and several in one grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genbench.core.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_mosaic", "mosaic", "seen"]


def seen(x: Array, levels: int | None, limits: tuple[float, float] = (0.0, 1.0)) -> Array:
    """Return images for display, in [0, 1]; values outside are clipped.

    Args:
        levels: the number of grey levels; values become k / (levels − 1), without the noise of dequantisation.
        limits: the values of black and white, for images without grey levels.
    """
    if levels is None:
        return np.clip((x - limits[0]) / (limits[1] - limits[0]), 0, 1)
    k: Array = np.clip(np.floor(levels * x), 0, levels - 1)
    return k / (levels - 1)


def mosaic(x: Array, side: int) -> Array:
    """Return the first side² images of x [n, c, h, w] as one image.

    It is [side · (h + 1) − 1, side · (w + 1) − 1, 3 or 1]. Lines of NaN, one pixel wide, separate the images; a place
    without an image is NaN, too. Unless there are three channels, the first is shown.
    """
    c, h, w = x.shape[1:]
    shown = x[: side**2] if c == 3 else x[: side**2, :1]
    cells = np.full((side**2, shown.shape[1], h + 1, w + 1), np.nan)
    cells[: len(shown), :, :h, :w] = shown
    rows = cells.reshape(side, side, -1, h + 1, w + 1).transpose(0, 3, 1, 4, 2)  # (row, h, column, w, c)
    return rows.reshape(side * (h + 1), side * (w + 1), -1)[:-1, :-1]


def draw_mosaic(panel: Axes, x: Array, side: int) -> None:
    """Draw the first side² images of x [n, c, h, w] in [0, 1] as one image, without axes.

    White lines separate them.
    """
    grid = np.nan_to_num(mosaic(x, side), nan=1.0)
    panel.imshow(grid.repeat(3 // grid.shape[2], axis=2), interpolation="nearest")
    panel.set_axis_off()
