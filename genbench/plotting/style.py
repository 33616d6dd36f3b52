"""Colours, text sizes and lines of figures, on a page, in a paper and in a talk.

The colours are safe for colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from genbench.core.errors import GenbenchError, nearest

__all__ = [
    "BLUE",
    "COLOURS",
    "FAILED",
    "FAINT",
    "INK",
    "MARKERS",
    "STYLES",
    "VERMILLION",
    "Style",
    "colour_of",
    "current_style",
    "style_named",
    "styled",
]

# Okabe and Ito's colours (jfly.uni-koeln.de/color), without the yellow, which is too pale on white.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, FAINT = "#222222", "#999999"
FAILED = VERMILLION
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")

LEAST = 7.0  # typographic points of the smallest letters that journals accept
# Typographic points on a page; "font.size" is that of notes inside panels.
LETTERS = {
    "font.size": 9.0,
    "figure.titlesize": 13.0,
    "figure.labelsize": 9.0,  # of the notes below a figure
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.title_fontsize": 9.0,
}
LETTER = 0.52  # width of a letter as a share of its height, about; of the title of a figure and of its notes

TICKS = (("major", "size", 3.5), ("minor", "size", 2.0), ("major", "width", 0.8), ("minor", "width", 0.6))  # points

SETTINGS: dict[str, Any] = {
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so figures are the same on all machines
    "figure.titleweight": "normal",
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    **{f"{axis}tick.{which}.{what}": value for axis in "xy" for which, what, value in TICKS},
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "image.cmap": "viridis",
    "savefig.dpi": 130,
    "svg.hashsalt": "genbench",  # else identifiers would differ between files
    "svg.fonttype": "none",  # keeps text as text
    "pdf.fonttype": 42,  # TrueType; journals refuse Type 3, which is matplotlib's default
}


@dataclass(frozen=True)
class Style:
    """The purpose of figures, which sets their sizes.

    Attributes:
        scale: the factor for text sizes, relative to a page.
        columns: widths of one column and of two, in inches, which a figure fills; None for any width.
        height: largest height in inches; None for any.
        titles: whether figures have titles and notes. In a paper the caption has them.
    """

    name: str
    scale: float = 1.0
    columns: tuple[float, float] | None = None
    height: float | None = None
    titles: bool = True

    def size(self, width: float, height: float) -> tuple[float, float]:
        """Return the width and height in inches of a figure that has the given ones on a page."""
        if self.columns is None:
            return max(width, NARROWEST), height
        one, two = self.columns
        fitted = one if self.scale * width <= SQUEEZED * one else two
        high = height * max(self.scale * LOWEST, fitted / width)
        return fitted, min(high, self.height or high)

    def beside(self, width: float, most: int) -> int:
        """Return how many panels fit in a row, at most `most`.

        A panel is `width` inches wide on a page.
        """
        if self.columns is None:
            return most
        return max(1, min(most, int(SQUEEZED * self.columns[1] / (self.scale * width))))

    def below(self, height: float, most: int) -> int:
        """Return how many panels fit in a column, at most `most`.

        A panel is `height` inches high on a page.
        """
        if self.height is None:
            return most
        return max(1, min(most, int(self.height / (LOWEST * self.scale * height))))

    def letters(self, width: float, role: str) -> int:
        """Return how many letters of a text role fit into a line of `width` inches.

        A role is, for example, "figure.titlesize".
        """
        return max(1, int(72 * width / (LETTER * self.points(role))))

    def points(self, role: str) -> float:
        """Return the text size of a role in typographic points."""
        return max(LEAST, self.scale * LETTERS[role])


NARROWEST = 5.0  # inches of a figure on a page, whose title needs room; by hand
SQUEEZED = 1.35  # times the width of a column up to which a figure is squeezed into one column; by hand
LOWEST = 0.75  # share of its scaled height that a squeezed figure keeps at least: lines of text need it; by hand

# Columns and text height of papers: ICML's style file (3.25 and 6.75 in wide, 9 in high). A slide has 13.33 × 7.5 in.
STYLES = {
    style.name: style
    for style in (
        Style("page"),
        Style("paper", 0.8, (3.25, 6.75), 9.0, titles=False),
        Style("talk", 1.5, (6.2, 12.6), 7.0),
    )
}

_style: ContextVar[Style] = ContextVar("style", default=STYLES["page"])


def style_named(name: str) -> Style:
    """Return a style by its name.

    Raises:
        GenbenchError: no style has that name.
    """
    if name not in STYLES:
        raise GenbenchError(f"no style '{name}' of figures{nearest(name, list(STYLES))}")
    return STYLES[name]


def current_style() -> Style:
    """Return the present style of figures."""
    return _style.get()


@contextmanager
def styled(style: Style | None = None) -> Iterator[None]:
    """Draw in a style inside the block, whatever the user's settings, and restore them.

    The style is the present one unless given.
    """
    import seaborn
    from matplotlib.style import context

    its = style or current_style()
    token = _style.set(its)
    try:
        with context("default"):
            letters = {role: its.points(role) for role in LETTERS}
            seaborn.set_theme(style="ticks", palette=list(COLOURS), rc=SETTINGS | letters)
            yield
    finally:
        _style.reset(token)


def colour_of(role: str) -> str:
    """Return the colour of a model's points by its role; controls are fainter than models."""
    return BLUE if role == "model" else FAINT
