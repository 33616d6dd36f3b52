"""Empty figures with panels, in the size of a style, and the finishing of figures."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from genbench.core.console import harmless
from genbench.plotting.style import current_style
from genbench.plotting.ticks import thin_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DataFigure", "finish", "fitting", "in_first_column", "literal", "new_figure", "panels", "settle"]


WHOLE, SHORTEST = 0.98, 10  # share of a figure's width that a line takes, and letters of it, at least; by hand
LOW, TEXT = 0.55, 0.4  # share of its height that a panel keeps at least; inches of its text, which keeps all; by hand


class DataFigure(Figure):
    """A matplotlib figure with the tidy frame from which it was drawn.

    Attributes:
        data: one row per observation; None for figures of images, which are arrays.
        caption: the text below the figure in a paper: its title and its notes.
        left_out: what the style had no room for, as a sentence; "" if the figure is complete.
    """

    data: pd.DataFrame | None = None
    caption: str = ""
    left_out: str = ""

    def leave_out(self, shown: int, count: int, what: str) -> None:
        """Record that only the first `shown` of `count` panels or models have room in this style."""
        if shown < count:
            self.left_out = (
                f"Not shown for lack of room: the last {count - shown} of {count} {what}. Name fewer models "
                "(--models), or use the style page."
            )


def new_figure(width: float, height: float, **more: Any) -> DataFigure:
    """Return an empty figure with a size in inches on a page.

    In other styles, the size is that of the style.
    """
    return DataFigure(figsize=current_style().size(width, height), layout="constrained", **more)


def panels(
    count: int,
    size: tuple[float, float],
    columns: int | Sequence[int],
    margin: float = 0.4,
    gap: float | None = None,
    same_axes: bool = False,
    text: float = TEXT,
    block: int = 1,
) -> tuple[DataFigure, list[Axes]]:
    """Return a figure, and `count` panels in rows, each of a `size` in inches.

    The size is (width, height), and rows are as full as possible. In a style of limited height there are fewer panels
    if more would be too low; the figure says how many are left out.

    Args:
        columns: the largest number of panels in a row on a page; of several numbers, the one that leaves the fewest
            places empty.
        margin: height in inches besides the panels, for titles and captions.
        gap: space between panels, as a share of their width; None for matplotlib's default.
        same_axes: whether all have the same axes, with numbers only at the left and at the bottom.
        text: inches of a panel's height for titles, numbers and labels.
        block: number of panels that stay together in a row.
    """
    choices = [columns] if isinstance(columns, int) else columns
    rows, beside, shown = fitting(count, size, choices, margin, text, block)
    figure = new_figure(size[0] * beside, size[1] * rows + margin)
    grid = {} if gap is None else {"wspace": gap}
    places = list(
        figure.subplots(rows, beside, squeeze=False, gridspec_kw=grid, sharex=same_axes, sharey=same_axes).flat
    )
    for spare in places[shown:]:
        spare.set_axis_off()
    figure.leave_out(shown // block, count // block, "panels" if block == 1 else "models")
    return figure, places[:shown]


def fitting(
    count: int, size: tuple[float, float], choices: Sequence[int], margin: float, text: float = TEXT, block: int = 1
) -> tuple[int, int, int]:
    """Return the numbers of rows and columns, and of the panels that fit; see `panels`."""
    style, (width, height), shown = current_style(), size, count
    most = style.beside(width, max(choices))
    columns = max(1, min(count, min([n for n in choices if n <= most] or [most], key=lambda n: -count % n)))
    if style.height:
        room = style.height - (style.scale * margin if style.titles else 0.0)
        rows = max(1, int(room / (style.scale * (text + LOW * (height - text)))))
        most = style.beside(width, count) * (2 if style.scale < 1 else 1)  # small letters have room above narrow panels
        columns = max(columns, min(most, -(-count // rows)))
        columns = max(block, columns - columns % block)
        shown = min(count, columns * rows)
    rows = max(1, -(-shown // columns))
    return rows, max(block, block * -(-shown // (rows * block))), shown


def in_first_column(panel: Axes) -> bool:
    """Whether a panel is the first of its row, so that names fit beside it."""
    place = panel.get_subplotspec()
    return place is not None and place.is_first_col()


def finish(figure: Figure) -> None:
    """Break the title and the notes of a figure into lines as wide as the figure.

    In a paper, they are removed. In notes a single newline is a space, and an empty line separates paragraphs. A second
    call has no effect.
    """
    style = current_style()
    if isinstance(figure, DataFigure) and figure.left_out:
        figure.supxlabel("\n\n".join(filter(None, [figure.get_supxlabel(), figure.left_out])))
        figure.left_out = ""
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
    logarithmic = [panel for panel in figure.axes if panel.get_xscale() == "log"]
    if style.columns and logarithmic:  # panels of a given width may be too narrow for all their numbers
        figure.draw_without_rendering()
        for panel in logarithmic:
            thin_numbers(panel)


def settle(figure: Figure) -> None:
    """Fix the layout, so that positions on the page can be measured."""
    finish(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _stack(figure: Figure) -> None:
    """Put legends that are below all panels above the notes; matplotlib's layout has both at the lower edge."""
    notes, engine = figure._supxlabel, figure.get_layout_engine()  # type: ignore[attr-defined]
    below = [legend for legend in figure.legends if legend._outside_loc == "lower"]  # type: ignore[attr-defined]
    if not below or notes is None or not notes.get_text() or not isinstance(engine, ConstrainedLayoutEngine):
        return
    renderer, pad = figure._get_renderer(), engine.get()["h_pad"] / figure.get_figheight()  # type: ignore[attr-defined]
    height = [text.get_tightbbox(renderer).height / figure.bbox.height + 2 * pad for text in (notes, *below)]
    notes.set_position((0.5, pad))
    notes._autopos = False  # the layout must not add room for it
    for legend in below:
        legend.set_bbox_to_anchor((0, height[0], 1, 1 - height[0]), transform=figure.transFigure)
    engine.set(rect=(0, height[0] + max(height[1:]), 1, 1 - height[0] - max(height[1:])))


def _break(text: Text, lines: Sequence[str], letters: int, width: float) -> None:
    """Break the lines of a text after a number of letters, or fewer where these are wider than a width in pixels."""
    while True:
        text.set_text("\n".join(part for line in lines for part in wrap(line, letters) or [""]))
        if letters <= SHORTEST or text.get_window_extent().width <= width:
            return
        letters = int(0.95 * letters)


def literal(figure: Figure) -> None:
    """Draw dollar signs in names literally; only matplotlib's own numbers use mathematics.

    Control characters, which no font has, become �.
    """
    for text in figure.findobj(Text):
        if (plain := harmless(text.get_text())) != text.get_text():
            text.set_text(plain)
        text.set_parse_math("\\mathdefault" in text.get_text())
