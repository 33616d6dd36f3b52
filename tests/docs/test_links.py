"""Links of pages lead somewhere: files, images, headings."""

from __future__ import annotations

import re

import pytest
from doc_pages import PAGES, ROOT, Page

GENERATED = re.compile(r"^(`{3,}|:{3,})\{", re.MULTILINE)  # a directive may make headings that no file shows


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings(page: Page):
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            assert link.startswith(("https://", "mailto:")), f"{page}: {link}"
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), f"{page}: {link}"
        assert target.is_relative_to(ROOT), f"{page}: {link}"
        if anchor and target.suffix == ".md" and not GENERATED.search(target.read_text(encoding="utf-8")):
            assert anchor in Page(target).anchors, f"{page}: {link}; there is {sorted(Page(target).anchors)}"


def test_a_heading_is_an_anchor_as_github_writes_it(tmp_path):
    (tmp_path / "a.md").write_text("# A model, in 30 lines\n\n(target)=\n## `log_prob` and [NLL](x.md)\n")
    assert Page(tmp_path / "a.md").anchors == {"a-model-in-30-lines", "target", "log_prob-and-nll"}
