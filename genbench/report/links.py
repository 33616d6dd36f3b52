"""Ids of places on a page, and links to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

__all__ = ["Links"]

SAFE = re.compile(r"[^\w.,=\[\]+-]+", re.ASCII)


class Links:
    """The ids of tables and rows on a page.

    The id of a table is a dataset's name; that of a row adds / and the model's name. Special characters become `_`. If
    an id is taken, perhaps by the page itself (`reserved`), the later one gets a number.
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
        """Return the address of that place. Brackets are written as %5B and %5D.

        Some programs would cut them off.
        """
        return "#" + quote(self.id(*names), safe="/,=+")
