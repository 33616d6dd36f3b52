"""Numbers on axes: plain, without their common part, and only as many as fit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["less_offset", "overlap", "plain", "thin_numbers"]

NARROW = 1.6  # times its start, where a logarithmic axis ends that looks linear; by hand
LARGE = 1e4  # times the extent of an axis; beyond, its numbers have too many digits


def plain(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers: powers of ten, and more if it is short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    low, high = axis.get_view_interval()
    between = (1,) if high >= 600 * low else (1, 2, 5) if high >= 8 * low else (1, 1.2, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(LogLocator(subs=between, numticks=12))
    if high < NARROW * low:  # on which these are too few, and equal steps look equal
        axis.set_major_locator(MaxNLocator(4))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain_number(value)))
    axis.set_minor_formatter(NullFormatter())


def less_offset(axis: Axis, label: str) -> None:
    """Label an axis, and subtract what its numbers have in common.

    That is done if they differ only in their last digits, as dates do.
    """
    from matplotlib.ticker import FuncFormatter

    low, high = axis.get_view_interval()
    extent = high - low
    if extent > 0 and max(abs(low), abs(high)) > LARGE * extent:
        unit = 10.0 ** np.ceil(np.log10(extent))
        shared = float(np.floor(low / unit) * unit)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value - shared, 12):g}"))
        label = f"{label} − {shared:,.15g}"
    axis.set_label_text(label)


def _plain_number(value: float) -> str:
    """Return a number in a few letters: 0.5, 200, 20k, 1e+20."""
    return f"{value / 1e3:g}k" if 1e4 <= value < 1e7 else f"{value:g}"


def thin_numbers(panel: Axes) -> None:
    """Leave out every second number below a panel while some overlap. Call `settle` before."""
    low, high = panel.get_xlim()
    while any(overlap(a, b) for a, b in pairwise(_numbers(panel))):
        panel.set_xticks([tick for tick in panel.get_xticks() if low <= tick <= high][::2])


def _numbers(panel: Axes) -> list[tuple[float, ...]]:
    """Return the boxes of the numbers below a panel, in pixels."""
    low, high = panel.get_xlim()
    ticks = [tick for tick in panel.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tuple(tick.label1.get_window_extent().extents) for tick in ticks]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes (left, low, right, high) overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
