"""Names written beside points and at the ends of lines, so that none lies on another; and the looks of series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from genbench.core.types import Array
from genbench.plotting.style import COLOURS, FAINT, MARKERS, fit_title, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["Look", "at_ends", "beside", "less_offset", "overlap", "plain", "room_for", "settle", "styles"]

FONT = 9.0  # typographic points
LARGE = 1e4  # times the extent of an axis; beyond, its numbers have too many digits
PLACES = [(r * np.cos(a), r * np.sin(a)) for r in (9, 14, 20, 28, 38, 50) for a in np.arange(0, 2 * np.pi, np.pi / 8)]


class Look(TypedDict):
    """How a series is drawn, in matplotlib's words."""

    color: str
    marker: str


def styles(names: Sequence[str]) -> dict[str, Look]:
    """Return a colour and a marker for each name, no two alike among the first 63: each round of colours has others."""
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]}
        for i, name in enumerate(names)
    }


def settle(figure: Figure) -> None:
    """Fix the layout, so that places on the page can be measured."""
    literal(figure)
    fit_title(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def plain(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers: powers of ten, and the more between them the shorter it is."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    between = (1,) if high >= 600 * low else (1, 2, 5) if high >= 8 * low else (1, 1.2, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(LogLocator(subs=between, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain_number(value)))
    axis.set_minor_formatter(NullFormatter())


def less_offset(axis: Axis, label: str) -> None:
    """Label an axis; where its numbers differ in their last digits only, as dates do, without what they share."""
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


def beside(panel: Axes, points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Write each name at its point (x, y) at the nearest place within the panel that covers no other text and no point.

    Call `settle` before. Return the names for which there is no place.
    """
    from matplotlib.patheffects import withStroke

    panel.autoscale(False)  # lines to names do not move the axes, which a point alone would lose
    scale = panel.figure.dpi / 72  # pixels of a typographic point
    at = {name: np.asarray(panel.transData.transform(xy)) for name, xy in points.items()}
    frame = panel.get_window_extent()
    taken = [(*(xy - 4 * scale), *(xy + 4 * scale)) for xy in at.values()]  # x0, y0, x1, y1
    taken += [text.get_window_extent().extents for text in panel.texts]
    unnamed = []
    for name, xy in sorted(at.items(), key=lambda item: -item[1][1]):
        text = panel.annotate(name, points[name], (0, 0), textcoords="offset points", fontsize=FONT, va="center")
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])  # a line behind a name stays behind it
        width, height = text.get_window_extent().size
        box = (0.0, 0.0, 0.0, 0.0)
        for dx, dy in PLACES:
            left = dx >= 0 if abs(dx) > 1 else None
            x0 = xy[0] + dx * scale - (0 if left else width if left is False else width / 2)
            y0 = xy[1] + dy * scale - height / 2
            x0, y0 = max(frame.x0, min(x0, frame.x1 - width)), max(frame.y0, min(y0, frame.y1 - height))
            box = (x0, y0, x0 + width, y0 + height)
            if not any(overlap(box, other) for other in taken):
                break
        else:
            text.remove()
            unnamed.append(name)
            continue
        taken.append(box)
        text.set_position(((box[0] - xy[0]) / scale, (box[1] + height / 2 - xy[1]) / scale))
        if np.hypot(dx, dy) > 12:
            nearest = panel.transData.inverted().transform(np.clip(xy, box[:2], box[2:]))  # point of the box
            panel.plot(*zip(points[name], nearest, strict=True), color=FAINT, lw=0.5, zorder=1)
    return unnamed


def room_for(names: Iterable[str], width: float) -> float:
    """Return the room between panels so many inches wide for names at the ends of lines, as a share of that width."""
    return max(0.18, (FONT / 72 * 0.6 * max(map(len, names), default=0) + 0.4) / width)


def at_ends(
    panel: Axes,
    ends: Mapping[str, tuple[float, float]],
    colours: Mapping[str, str],
    written: Mapping[str, str] | None = None,
) -> None:
    """Write each name to the right of the panel, at the height of its line's end (x, y) or as near as there is room.

    `written` says how names are written, where it is otherwise.

    Call `settle` before. A thin line leads from the end to the name.
    """
    if not ends:
        return
    names = sorted(ends, key=lambda name: ends[name][1])
    scale = panel.figure.dpi / 72
    frame = panel.get_window_extent()
    heights = np.array([panel.transData.transform(ends[name])[1] for name in names])
    placed = _spread(heights, 1.25 * FONT * scale, frame.y0, frame.y1)
    for name, y in zip(names, placed, strict=True):
        panel.annotate(
            (written or {}).get(name, name),
            ends[name],
            (1.03, (y - frame.y0) / frame.height),
            textcoords="axes fraction",
            fontsize=FONT,
            va="center",
            color=colours[name],
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours[name], "lw": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 2},
        )


def _spread(wanted: Array, gap: float, low: float, high: float) -> Array:
    """Return places near the wanted ones (ascending, [n]), `gap` apart, and between `low` and `high` if they fit."""
    steps = gap * np.arange(len(wanted))
    placed = np.maximum.accumulate(wanted - steps)  # above the steps: neighbours a gap apart are equal here
    placed[-1] = min(placed[-1], max(high - steps[-1], low))
    return np.minimum.accumulate(placed[::-1])[::-1] + steps


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Whether two boxes (left, low, right, high) overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
