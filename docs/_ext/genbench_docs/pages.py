"""Contents and links of only those pages that are there, so that a page is listed from the moment it is added."""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatch

from sphinx.application import Sphinx

__all__ = ["listed", "present", "setup"]

TOCTREE = re.compile(r"(?ms)^```\{toctree\}\n.*?^```\n")
ENTRY = re.compile(r"^(?:.*<)?([\w/*-]+)>?$")


def present(text: str, pages: Collection[str]) -> str:
    """Return a page without the toctree entries that are none of `pages`, and without toctrees that are empty."""

    def there(line: str) -> bool:
        entry = ENTRY.match(line)
        return not entry or any(fnmatch(page, entry[1]) for page in pages)

    def kept(match: re.Match[str]) -> str:
        lines = [line for line in match[0].splitlines(keepends=True) if there(line.rstrip())]
        return "".join(lines) if any(ENTRY.match(line.rstrip()) for line in lines) else ""

    return TOCTREE.sub(kept, text)


def listed(text: str) -> set[str]:
    """Return the pages that the toctrees of a page list, whether they are there or not."""
    lines = (line.rstrip() for match in TOCTREE.finditer(text) for line in match[0].splitlines())
    return {entry[1] for entry in map(ENTRY.match, lines) if entry}


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    if name == app.config.master_doc:
        source[0] = present(source[0], app.env.found_docs)


def setup(app: Sphinx) -> None:
    """Leave out of the first page's contents what is not there."""
    app.connect("source-read", _read)
