"""Ids of places on a page, and links to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

__all__ = ["Links"]

SAFE = re.compile(r"[^\w.,=\[\]+-]+", re.ASCII)


class Links:
    """The id of every table and of every row: the dataset's name, and that with the model's after a /.

    Letters that are not plain become `_`. Where two names are then equal, or one equals an id of the page itself
    (`reserved`), the later one gets a number.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.given: dict[tuple[str, ...], str] = {("", name): name for name in reserved}

    def id(self, *names: str) -> str:
        """Return the id of some names, the same at each call.

        >>> Links().id("two words", "a<b")
        'two_words/a_b'
        """
        if names not in self.given:
            plain = "/".join(SAFE.sub("_", name) or "_" for name in names)
            taken, number = set(self.given.values()), 2
            wanted = plain
            while plain in taken:
                plain, number = f"{wanted}-{number}", number + 1
            self.given[names] = plain
        return self.given[names]

    def link(self, *names: str) -> str:
        """Return what a link to that place says, with brackets as %5B and %5D, which some readers cut off."""
        return "#" + quote(self.id(*names), safe="/,=+")
