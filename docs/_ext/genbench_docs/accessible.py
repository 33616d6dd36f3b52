"""What Sphinx and its theme leave out for readers with a keyboard or a screen reader, added to each page."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["accessible", "setup"]

SIGNATURE = re.compile(r"<dl>(\s*<dd>.*?</dd>\s*)</dl>", re.DOTALL)  # parameters, one a line: no definitions
AFTER_THEME = 900


def accessible(html: str) -> str:
    """Return HTML whose code scrolls by keys, whose signatures are no lists, and whose captions have a level."""
    html = html.replace("<pre>", '<pre tabindex="0">').replace('role="heading">', 'role="heading" aria-level="2">')
    return SIGNATURE.sub(lambda found: _lines(found[1]), html)


def _lines(parameters: str) -> str:
    lines = parameters.replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">{lines}</span>'


def _page(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if name.startswith("zh/"):
        context["language"] = "zh-Hans"
    for part in ("body", "furo_navigation_tree"):
        if part in context:
            context[part] = accessible(context[part])


def setup(app: Sphinx) -> None:
    """Change each page after the theme has written its parts."""
    app.connect("html-page-context", _page, priority=AFTER_THEME)
