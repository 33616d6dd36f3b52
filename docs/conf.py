"""How Sphinx builds the documentation: `make docs` writes it to build/docs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from genbench.core.public_names import __version__

project = "genbench"
author = copyright = "The genbench authors"
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "genbench_docs"]
exclude_patterns = ["_*", *([] if Path(__file__).parent.with_name("CHANGELOG.md").exists() else ["changelog.md"])]
templates_path = ["_templates"]
html_static_path = ["_static"]

# Equations are MathML, which browsers draw themselves; see genbench_docs/mathml.py.
html_math_renderer = "mathml"
myst_enable_extensions = ["amsmath", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

napoleon_use_param = False  # arguments that are explained together stay together
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88

html_theme = "furo"
html_title = "genbench"
html_css_files = ["genbench.css"]
html_copy_source = html_show_sourcelink = False
html_last_updated_fmt = None  # the same sources give the same pages
highlight_language = "none"  # of blocks that name no language: commands and folders
pygments_style, pygments_dark_style = "a11y-light", "a11y-dark"
