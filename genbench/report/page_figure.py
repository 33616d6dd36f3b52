"""An image of a figure inside a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Box", "PageFigure"]

OPENING = "verdicts"  # the figure that a page shows in full size from the beginning


class Box(NamedTuple):
    """A part of a figure, as shares of its width and height from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PageFigure:
    """An image of a figure: kind, file stem, dataset ("" for all), and text (`alt`).

    Attributes:
        panels: position of the panel of each model; {} if unknown, as for a stored image.
    """

    figure: str
    stem: str
    dataset: str
    alt: str = ""
    width: int = 0
    height: int = 0
    content: bytes = b""
    mime: str = ""
    panels: dict[str, Box] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """The image as an address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode()}"

    @property
    def opening(self) -> bool:
        """Whether the page shows the image in full size from the beginning."""
        return self.figure == OPENING

    @property
    def moving(self) -> bool:
        """Whether it is an animation."""
        return self.mime == "image/gif"
