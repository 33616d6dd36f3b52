"""Equations as MathML, which every browser draws without a script or a font from elsewhere."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

__all__ = ["setup", "spaced"]

APPLIED = re.compile(r"(<mo>&ApplyFunction;</mo>)(\s*<(?:mi|mfrac|msub|msup|msubsup|munder|munderover)[ >])")
logger = logging.getLogger(__name__)


def spaced(equation: str) -> str:
    """Return MathML with the space of TeX between a function and its argument, and with bars as high as what is inside.

    Browsers leave out the one, and docutils does not ask for the other.
    """
    equation = APPLIED.sub(r'\1<mspace width="0.1667em"></mspace>\2', equation)
    return equation.replace("<mo>|</mo>", '<mo stretchy="true">|</mo>')


def _mathml(node: nodes.math | nodes.math_block, block: bool) -> str:
    """Return an equation; one that docutils cannot read as its source, with a warning, which ends `make docs`."""
    try:
        return spaced(str(tex2mathml(node.astext(), as_block=block)))
    except MathError as error:
        logger.warning("equation %r: %s", node.astext(), error, location=node)
        return f"<code>{escape(node.astext())}</code>"


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="equation" tabindex="0">{_mathml(node, block=True)}</div>\n')  # scrolls by keys
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the renderer "mathml"."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
