"""Pages from templates. A page needs no other file, and names from users are only text."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from genbench.core.public_names import __version__

__all__ = ["MARK", "render"]

MARK = 'name="generator" content="genbench report"'  # marks a file as a page of genbench


def render(template: str, **values: Any) -> str:
    """Return a page: a template with values, autoescaped.

    Style and script are inside, allowed by hash.
    """
    style, script = (
        files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
        for name in ("style.css", "script.js")
    )
    page = (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style), script=Markup(script), style_hash=_hash(style), script_hash=_hash(script),
            version=__version__, **values,
        )
    )  # fmt: skip
    return page + "\n"


@cache
def _environment() -> Environment:
    loader = PackageLoader("genbench.report", "templates")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters["sort_key"] = _sort_key
    return found


def _sort_key(value: float | str | None) -> str:
    """Return a cell's value as the script of the page reads it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _hash(text: str) -> str:
    """Return the hash by which a content security policy allows an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
