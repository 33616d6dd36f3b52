"""An empty figure of the right size for its style, and the last touches on one that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from genbench.core.console import harmless
from genbench.plotting.style import current_style

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DataFigure", "finish", "literal", "new_figure"]


WHOLE, SHORTEST = 0.98, 10  # share of a figure's width that a line takes, and letters of it, at least; by hand


class DataFigure(Figure):
    """A matplotlib figure with the tidy frame that it was drawn from.

    Attributes:
        data: one row an observation; None of figures that show images, which are arrays.
        caption: what a paper says below the figure: its title and its notes.
    """

    data: pd.DataFrame | None = None
    caption: str = ""


def new_figure(width: float, height: float, **more: Any) -> DataFigure:
    """Return an empty figure that takes so many inches on a page, or the room that it has in the present style."""
    return DataFigure(figsize=current_style().size(width, height), layout="constrained", **more)


def finish(figure: Figure) -> None:
    """Break the title of a figure and its notes into lines that are as long as it is wide; in a paper take them away.

    In notes a single newline is a space, and an empty line parts paragraphs. To do it twice changes nothing.
    """
    style = current_style()
    literal(figure)
    title, notes = figure._suptitle, figure._supxlabel  # type: ignore[attr-defined]
    paragraphs = [" ".join(part.split()) for part in figure.get_supxlabel().split("\n\n")]
    said = "\n\n".join(filter(None, [" ".join(figure.get_suptitle().split()), *paragraphs]))
    if said and isinstance(figure, DataFigure):
        figure.caption = said
    for text, lines, role in (
        (title, figure.get_suptitle().split("\n"), "figure.titlesize"),
        (notes, paragraphs, "figure.labelsize"),
    ):
        if text is None:
            continue
        if style.titles:
            _break(text, lines, style.letters(figure.get_figwidth(), role), WHOLE * figure.bbox.width)
        else:
            text.set(text="", in_layout=False)
    _stack(figure)


def _stack(figure: Figure) -> None:
    """Put legends that are below all panels above the notes; matplotlib's layout has both at the lower edge."""
    notes, engine = figure._supxlabel, figure.get_layout_engine()  # type: ignore[attr-defined]
    below = [legend for legend in figure.legends if legend._outside_loc == "lower"]  # type: ignore[attr-defined]
    if not below or notes is None or not notes.get_text() or not isinstance(engine, ConstrainedLayoutEngine):
        return
    renderer, pad = figure._get_renderer(), engine.get()["h_pad"] / figure.get_figheight()  # type: ignore[attr-defined]
    height = [text.get_tightbbox(renderer).height / figure.bbox.height + 2 * pad for text in (notes, *below)]
    notes.set_position((0.5, pad))
    notes._autopos = False  # so that the layout leaves it no room of its own
    for legend in below:
        legend.set_bbox_to_anchor((0, height[0], 1, 1 - height[0]), transform=figure.transFigure)
    engine.set(rect=(0, height[0] + max(height[1:]), 1, 1 - height[0] - max(height[1:])))


def _break(text: Text, lines: Sequence[str], letters: int, width: float) -> None:
    """Break the lines of a text after so many letters, or fewer where these are wider than a width in pixels."""
    while True:
        text.set_text("\n".join(part for line in lines for part in wrap(line, letters) or [""]))
        if letters <= SHORTEST or text.get_window_extent().width <= width:
            return
        letters = int(0.95 * letters)


def literal(figure: Figure) -> None:
    """Let the dollars in names be dollars: only what matplotlib itself writes on axes is set as mathematics.

    Control characters, which no font has, become �.
    """
    for text in figure.findobj(Text):
        if (plain := harmless(text.get_text())) != text.get_text():
            text.set_text(plain)
        text.set_parse_math("\\mathdefault" in text.get_text())
