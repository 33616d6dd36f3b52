"""What is wrong with the layout of a figure: what is cut off, what lies on something else, letters that are too small.

Boxes are those of letters as Agg sets them, turned as the text is, so that slanted labels beside each other are apart.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

PIXEL = 1.0  # how far a box may reach over a border, since letters are set on whole pixels
CORE = np.array([1.0, 0.88])  # share of a text's box that letters fill: lines have air above and below


class Label(NamedTuple):
    """A text that is drawn: its letters' box by its corners [4, 2] in pixels, and the panel to which it belongs."""

    text: str
    size: float
    corners: np.ndarray
    home: Axes | None
    cut: bool

    @property
    def low(self) -> np.ndarray:
        return self.corners.min(axis=0)

    @property
    def high(self) -> np.ndarray:
        return self.corners.max(axis=0)


def flaws(figure: Figure, least: float = 0.0) -> list[str]:
    """Return a line for each flaw of a figure; none of one that can be printed as it is.

    Args:
        least: typographic points of the smallest letters.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    found = list(labels(figure, renderer))
    frames = {panel: corners_of(panel.get_window_extent(renderer)) for panel in figure.axes if _is_seen(panel)}
    return [*_cut_off(figure, found, renderer), *_on_letters(found), *_on_panels(found, frames), *_small(found, least)]


def labels(figure: Figure, renderer) -> Iterator[Label]:
    """Yield the texts of a figure that are drawn."""
    panels = set(figure.axes)
    for child in figure.get_children():
        if child not in panels:
            yield from _drawn(child, None, renderer)
    for panel in figure.axes:
        if panel.get_visible():
            yield from _of_panel(panel, renderer)


def _of_panel(panel: Axes, renderer) -> Iterator[Label]:
    for child in panel.get_children():
        if isinstance(child, Axes):
            yield from _of_panel(child, renderer)
        elif not isinstance(child, Axis):
            yield from _drawn(child, panel, renderer)
        elif panel.axison and child.get_visible():
            low, high = sorted(child.get_view_interval())
            room, i = 1e-9 * (high - low), 0 if child.axis_name == "x" else 1
            ticks = [
                tick
                for tick in child.get_ticklabels(which="both")
                if low - room <= tick.get_position()[i] <= high + room
            ]
            for text in (*ticks, child.label, child.get_offset_text()):
                yield from _drawn(text, panel, renderer)


def _drawn(artist, home: Axes | None, renderer) -> Iterator[Label]:
    """Yield the texts inside an artist that can be seen."""
    if not artist.get_visible():
        return
    for text in artist.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text.get_alpha() != 0.0:
            inside = text.get_tightbbox(renderer)  # without what its panel cuts off; nothing of one that is left out
            if inside is not None and inside.width > 0:
                corners, whole = _corners(text, renderer), Text.get_window_extent(text, renderer)
                cut = text.get_clip_on() and (
                    inside.width < whole.width - PIXEL or inside.height < whole.height - PIXEL
                )
                yield Label(text.get_text(), text.get_fontsize(), corners, home, cut)


def _corners(text: Text, renderer) -> np.ndarray:
    """Return the corners of a text's box [4, 2], turned as the text is about the middle of its upright box."""
    upright, angle = Text.get_window_extent(text, renderer), text.get_rotation()
    middle = np.array([upright.x0 + upright.x1, upright.y0 + upright.y1]) / 2
    text.set_rotation(0)
    flat = Text.get_window_extent(text, renderer)
    text.set_rotation(angle)
    half = np.array([flat.width, flat.height]) / 2 * CORE
    turn = np.deg2rad(angle)
    across, up = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    return np.array([middle + a * half[0] * across + b * half[1] * up for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def corners_of(box) -> np.ndarray:
    """Return the corners of an upright box, [4, 2]."""
    return np.array([(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)])


def meet(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two rectangles [4, 2] share more than a pixel in every direction (separating axes)."""
    for corners in (a, b):
        for side in (corners[1] - corners[0], corners[3] - corners[0]):
            if (length := np.hypot(*side)) == 0:
                return False
            one, other = a @ side / length, b @ side / length
            if min(one.max(), other.max()) - max(one.min(), other.min()) <= PIXEL:
                return False
    return True


def _is_seen(panel: Axes) -> bool:
    """Whether a panel has a frame or a picture, which letters of others must not cover."""
    return panel.get_visible() and (panel.axison or bool(panel.images))


def _cut_off(figure: Figure, found: list[Label], renderer) -> Iterator[str]:
    size = np.array([figure.bbox.width, figure.bbox.height])
    for label in found:
        beyond = max((-label.low).max(), (label.high - size).max())
        if beyond > PIXEL:
            yield f"off the canvas by {beyond:.0f} pixels: {label.text!r}"
        if label.cut:
            yield f"cut off by its panel: {label.text!r}"
    for panel in figure.axes:
        box = panel.get_tightbbox(renderer) if panel.get_visible() else None
        if box is not None and max(-box.x0, -box.y0, box.x1 - size[0], box.y1 - size[1]) > 2 * PIXEL:
            yield f"off the canvas: the panel {panel.get_title() or panel.get_xlabel()!r}"


def _on_letters(found: list[Label]) -> Iterator[str]:
    low, high = np.array([label.low for label in found]), np.array([label.high for label in found])
    for i, one in enumerate(found):
        near = ((low[i + 1 :] < one.high) & (one.low < high[i + 1 :])).all(axis=1)
        for other in (found[i + 1 + int(k)] for k in np.flatnonzero(near)):
            if meet(one.corners, other.corners):
                yield f"letters on letters: {one.text!r} and {other.text!r}"


def _on_panels(found: list[Label], frames: dict[Axes, np.ndarray]) -> Iterator[str]:
    for label in found:
        for panel, frame in frames.items():
            if panel is label.home or not meet(label.corners, frame):
                continue
            if label.home not in frames or not meet(frames[label.home], frame):  # twins and insets lie on their panel
                yield f"letters on another panel: {label.text!r} on {panel.get_title()!r}"
    for (one, a), (other, b) in combinations(frames.items(), 2):
        if meet(a, b) and not (_within(a, b) or _within(b, a)):
            yield f"panels on panels: {one.get_title()!r} and {other.get_title()!r}"


def _within(inner: np.ndarray, outer: np.ndarray) -> bool:
    return bool(
        (inner.min(axis=0) >= outer.min(axis=0) - PIXEL).all()
        and (inner.max(axis=0) <= outer.max(axis=0) + PIXEL).all()
    )


def _small(found: list[Label], least: float) -> Iterator[str]:
    for label in found:
        if label.size < least - 1e-9:
            yield f"letters of {label.size:.2f} points: {label.text!r}"
