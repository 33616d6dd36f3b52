"""What the documentation needs beyond Sphinx: catalogues, docstrings, equations, flow charts, links and contents."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from genbench_docs import accessible, catalogue, chains, docstrings, mathml, outside, pages

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directives, the renderer of equations, and the handler of pages that are not there."""
    for part in (accessible, catalogue, chains, docstrings, mathml, outside, pages):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
