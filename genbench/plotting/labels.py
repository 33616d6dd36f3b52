"""Names beside points and at the ends of lines without overlap, and styles of series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np

from genbench.core.types import Array
from genbench.plotting.canvas import settle
from genbench.plotting.style import COLOURS, FAINT, MARKERS
from genbench.plotting.ticks import overlap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

__all__ = ["End", "Look", "beside", "name_ends", "styles"]

Box = tuple[float, float, float, float]  # left, low, right, high, in pixels

RIGHT = 1.03  # where names at the right of a panel begin, as a share of its width
WIDEST = 1.6  # times the width of a panel that names at its right may have; by hand
PLACES = [(r * np.cos(a), r * np.sin(a)) for r in (9, 14, 20, 28, 38, 50) for a in np.arange(0, 2 * np.pi, np.pi / 8)]


class Look(TypedDict):
    """The style of a series, in terms of matplotlib."""

    color: str
    marker: str


def styles(names: Sequence[str]) -> dict[str, Look]:
    """Return a colour and a marker for each name; the first 63 pairs are distinct."""
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]}
        for i, name in enumerate(names)
    }


def beside(panel: Axes, points: Mapping[str, tuple[float, float]], paths: Iterable[Array] = ()) -> list[str]:
    """Write each name near its point (x, y), where it covers no other text and no point.

    The nearest such place inside the panel is used. Call `settle` before. The function returns the names for which
    there is no place.

    Args:
        paths: lines [n, 2] that names avoid, too, if there is room.
    """
    from matplotlib.patheffects import withStroke

    panel.autoscale(False)  # lines to names must not move the axes
    scale = panel.figure.dpi / 72  # pixels of a typographic point
    at = {name: np.asarray(panel.transData.transform(xy)) for name, xy in points.items()}
    frame = panel.get_window_extent().padded(-2 * scale)
    taken = [(*(xy - 4 * scale), *(xy + 4 * scale)) for xy in at.values()]  # x0, y0, x1, y1
    taken += [text.get_window_extent().extents for text in panel.texts]
    lines = np.concatenate([np.zeros((0, 2)), *(_dotted(panel.transData.transform(path)) for path in paths)])
    unnamed = []
    for name, xy in sorted(at.items(), key=lambda item: -item[1][1]):
        text = panel.annotate(name, points[name], (0, 0), textcoords="offset points", va="center", parse_math=False)
        text.set_path_effects(
            [withStroke(linewidth=2.5, foreground="white")]
        )  # so that lines behind it do not cross its letters
        boxes = _boxes(xy, np.asarray(text.get_window_extent().size), frame, scale)
        free = [box for box in boxes if not any(overlap(box, other) for other in taken)]
        if not free:
            text.remove()
            unnamed.append(name)
            continue
        box = next((box for box in free if not _crossed(box, lines)), free[0])
        taken.append(box)
        text.set_position(((box[0] - xy[0]) / scale, ((box[1] + box[3]) / 2 - xy[1]) / scale))
        nearest = np.clip(xy, box[:2], box[2:])  # point of the box
        if np.hypot(*(nearest - xy)) > 12 * scale:
            panel.plot(*zip(points[name], panel.transData.inverted().transform(nearest), strict=True), color=FAINT,
                       lw=0.5, zorder=1)  # fmt: skip
    return unnamed


def _boxes(xy: Array, size: Array, frame: Bbox, scale: float) -> list[Box]:
    """Return the boxes of a text of a size [2] around a point in pixels, nearest first, inside the frame."""
    (width, height), boxes = size, []
    for dx, dy in PLACES:
        left = xy[0] + dx * scale - (width / 2 if abs(dx) <= 1 else 0 if dx > 0 else width)
        x = max(frame.x0, min(left, frame.x1 - width))
        y = max(frame.y0, min(xy[1] + dy * scale - height / 2, frame.y1 - height))
        boxes.append((x, y, x + width, y + height))
    return boxes


def _dotted(path: Array) -> Array:
    """Return points [m, 2] along a line through points [n, 2], both in pixels, at most two pixels apart."""
    parts = [np.linspace(a, b, 2 + int(np.hypot(*(b - a)) / 2)) for a, b in pairwise(path)]
    return np.concatenate([path, *parts])


def _crossed(box: Box, points: Array) -> bool:
    return bool(((points > box[:2]) & (points < box[2:])).all(axis=1).any())


class End(NamedTuple):
    """The right end of a line: its name, its place (x, y), its style, and further text.

    The place is in the data's units.
    """

    name: str
    at: tuple[float, float]
    look: Look
    also: str = ""


def name_ends(figure: Figure, ends: Mapping[Axes, Sequence[End]]) -> None:
    """Lay out a figure with names at the right of panels, as near to their lines as possible.

    A thin line connects the end with the name. If panels are too low or too narrow for that, a legend has the names.
    """
    from matplotlib.lines import Line2D

    engine, named = figure.get_layout_engine(), {panel: its for panel, its in ends.items() if its}
    room = {
        panel: [
            panel.annotate(end.name + end.also, (RIGHT, 0.5), xycoords="axes fraction", alpha=0.0, parse_math=False)
            for end in its
        ]
        for panel, its in named.items()
    }
    settle(figure)
    fits = all(_fit(panel, texts) for panel, texts in room.items())
    for text in chain.from_iterable(room.values()):
        text.remove()
    if fits:
        for panel, its in named.items():
            _name(panel, sorted(its, key=lambda end: end.at[1]))
        return
    looks = {end.name: end.look for its in named.values() for end in its}
    small: dict[str, Any] = {"markersize": 5, "markeredgewidth": 0}
    handles = [Line2D([], [], label=name, **small, **look) for name, look in looks.items()]
    figure.legend(handles=handles, loc="outside right center", labelspacing=0.05)
    figure.set_layout_engine(engine)
    settle(figure)


def _fit(panel: Axes, texts: Sequence[Text]) -> bool:
    """Whether names below each other at the right of a panel are no higher than it, and not much wider."""
    frame, widest = panel.get_window_extent(), max(text.get_window_extent().width for text in texts)
    return len(texts) * _line(panel) <= frame.height and widest <= WIDEST * frame.width


def _line(panel: Axes) -> float:
    """Return the distance of two names in pixels."""
    import matplotlib as mpl

    return 1.25 * mpl.rcParams["font.size"] * panel.figure.dpi / 72


def _name(panel: Axes, ends: Sequence[End]) -> None:
    """Write the names of ends, the lowest first."""
    frame, line = panel.get_window_extent(), _line(panel)
    heights = np.array([panel.transData.transform(end.at)[1] for end in ends])
    for end, y in zip(ends, _spread(heights, line, frame.y0, frame.y1 - line / 2), strict=True):
        arrow = {"arrowstyle": "-", "color": end.look["color"], "lw": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 2}
        arrow["relpos"] = (0, 0.5)  # from the left of the name, not through it
        panel.annotate(
            end.name + end.also, end.at, (RIGHT, (y - frame.y0) / frame.height), textcoords="axes fraction",
            color=end.look["color"], va="center", annotation_clip=False, arrowprops=arrow, parse_math=False,
        )  # fmt: skip


def _spread(wanted: Array, gap: float, low: float, high: float) -> Array:
    """Return places near the wanted ones (ascending, [n]), `gap` apart, and between `low` and `high` if they fit."""
    steps = gap * np.arange(len(wanted))
    placed = np.maximum.accumulate(wanted - steps)  # relative to the steps: neighbours one gap apart are equal
    placed[-1] = min(placed[-1], max(high - steps[-1], low))
    return np.minimum.accumulate(placed[::-1])[::-1] + steps
