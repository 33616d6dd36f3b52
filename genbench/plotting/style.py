"""How figures look: one set of colours, letters and lines, distinct to everybody, and legible at half size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genbench.core.console import harmless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "CAPTION",
    "COLOURS",
    "FAILED",
    "FAINT",
    "INK",
    "MARKERS",
    "NAME",
    "VERMILLION",
    "colour_of",
    "fit_title",
    "literal",
    "styled",
]

# Okabe and Ito's colours (jfly.uni-koeln.de/color), without the yellow, which is lost on white.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, FAINT = "#222222", "#999999"
FAILED = VERMILLION
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")

TITLE, NAME, CAPTION = 13.0, 10.5, 9.0  # typographic points: of a figure's title, of a panel's, of what is below
SHORTEST = 56  # letters of a title that are never broken: a figure may be wider than its panels

SETTINGS: dict[str, Any] = {
    "font.size": 10,
    "figure.titlesize": TITLE,
    "axes.titlesize": NAME,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "image.cmap": "viridis",
    "savefig.dpi": 130,
    "svg.hashsalt": "genbench",  # else each file has other identifiers
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw with these settings over matplotlib's defaults, whatever the user's own are, and give those back."""
    from cycler import cycler
    from matplotlib import style

    with style.context(["default", SETTINGS | {"axes.prop_cycle": cycler(color=COLOURS)}]):
        yield


def colour_of(role: str) -> str:
    """Return the colour of a model's points by its role: controls are fainter than models."""
    return BLUE if role == "model" else FAINT


def fit_title(figure: Figure) -> None:
    """Break the title of a figure into lines that are no longer than the figure is wide."""
    from textwrap import wrap

    title = figure.get_suptitle()
    letters = max(SHORTEST, int(72 * figure.get_figwidth() / (0.52 * TITLE)))  # a letter is half as wide as high, about
    if max(map(len, title.split("\n"))) > letters:
        figure.suptitle("\n".join(part for line in title.split("\n") for part in wrap(line, letters) or [""]))


def literal(figure: Figure) -> None:
    """Let the dollars in names be dollars: only what matplotlib itself writes on axes is set as mathematics.

    Control characters, which no font has, become �.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if (plain := harmless(text.get_text())) != text.get_text():
            text.set_text(plain)
        text.set_parse_math("\\mathdefault" in text.get_text())
