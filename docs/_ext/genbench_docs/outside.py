"""The repository's web address, where conf.py has one: links to its files, and the command that copies it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from genbench_docs.pages import listed

__all__ = ["CloneCommands", "setup"]

CLONE = re.compile(r"git clone REPOSITORY genbench.*")  # with its comment


class OutsideLinks(SphinxTransform):
    """Replaces links to files outside of docs/, to folders, and to pages that are listed and not there yet."""

    default_priority: ClassVar[int] = 10

    def apply(self) -> None:
        root = Path(self.app.srcdir).parent
        here = Path(self.app.srcdir, self.env.docname).parent
        links = [*self.document.findall(addnodes.download_reference), *self.document.findall(addnodes.pending_xref)]
        for link in links:
            target = str(link.get("reftarget", "")).partition("#")[0]
            path = (here / target).resolve()
            if link.get("refdomain") == "doc":  # MyST takes the ending off the name of a page
                path = path.with_suffix(".md")
            outside = not path.is_relative_to(self.app.srcdir)
            if target and self._to_come(path):
                link.replace_self(nodes.inline("", "", *link.children))
            elif target and path.exists() and path.is_relative_to(root) and (outside or path.is_dir()):
                link.replace_self(self._shown(link, path.relative_to(root).as_posix()))

    def _to_come(self, page: Path) -> bool:
        source = Path(self.app.srcdir)
        first = (source / f"{self.app.config.master_doc}.md").read_text(encoding="utf-8")
        name = page.relative_to(source).with_suffix("").as_posix() if page.is_relative_to(source) else ""
        return name not in self.env.found_docs and name in listed(first)

    def _shown(self, link: nodes.Element, path: str) -> nodes.Node:
        if address := self.app.config.genbench_repository:
            return nodes.reference("", "", *link.children, refuri=f"{address}/blob/main/{path}")
        return nodes.inline("", "", *link.children)


class CloneCommands(SphinxTransform):
    """Writes the repository's address into commands that copy it, where it is known."""

    default_priority: ClassVar[int] = 10

    def apply(self) -> None:
        address = self.config.genbench_repository
        for block in self.document.findall(nodes.literal_block) if address else ():
            text = CLONE.sub(lambda _: f"git clone {address} genbench", block.astext())
            if text != block.astext():
                block.replace_self(nodes.literal_block(text, text, **block.attributes))


def setup(app: Sphinx) -> None:
    """Register the transforms and the setting `genbench_repository`."""
    app.add_config_value("genbench_repository", "", "env")
    app.add_transform(OutsideLinks)
    app.add_transform(CloneCommands)
