"""Flow charts without a script: each line of a mermaid chart as a row of boxes joined by arrows."""

from __future__ import annotations

import re
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["rows", "setup"]

NAMED = re.compile(r"^(\w+)(?:\[\(?(.*?)\)?\])?$")  # a box, `trial` or `trial[one trial]`


def rows(chart: str) -> list[list[str]]:
    """Return the labels of each chain of a chart of the kind `a[first] --> b --> c`.

    Raises:
        ValueError: a line is no chain of named boxes.
    """
    labels: dict[str, str] = {}
    found = []
    for line in filter(None, map(str.strip, chart.splitlines())):
        if line.startswith(("flowchart", "graph")):
            continue
        boxes = [NAMED.match(part.strip()) for part in line.split("-->")]
        if not all(boxes):
            raise ValueError(f"'{line}' is no chain of boxes such as a[first] --> b")
        labels |= {box[1]: box[2] for box in boxes if box and box[2]}
        found.append([labels.get(box[1], box[1]) for box in boxes if box])
    return found


class Chains(SphinxDirective):
    """A list a chain, whose items the style sheet draws as boxes."""

    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        found = rows("\n".join(self.content))
        items = [nodes.list_item("", nodes.paragraph("", "", nodes.literal("", " → ".join(row)))) for row in found]
        return [nodes.bullet_list("", *items, classes=["chains"])]


def setup(app: Sphinx) -> None:
    """Register the directive `mermaid`."""
    app.add_directive("mermaid", Chains)
