"""The pages use the project's words: none of those that the glossary replaces, and no page is a manual of its own."""

from __future__ import annotations

import re

import pytest
from doc_pages import PAGES, ROOT, Page

# What not to write, as regular expressions, and what to write.
GLOSSARY = {
    r"pictures?": "image (data) or figure (drawing)",
    r"verbs?": "method",
    r"a training(?! (run|point|set|split|loss|step|image|budget|time|data|recipe|loop|curve|seed|example))": "training run",
    r"trainings": "training runs",
    r"hangs on": "depends on",
    r"goes on from": "resumes",
    r"go(es)? on where": "resumes",
    r"mend(s|ed|ing)?": "fix",
    r"(is|are) told apart": "differs significantly",
    r"not to be had": "is unavailable",
    r"so many": "the number",
    r"honest one": "say what 0 means",
    r"players?": "optimizer group",
    r"judges?": "model outputs, evaluator",
    r"exams?": "trained-model check",
    r"counterparts?": "the other one, by name",
    r"light(s|ed)? up": "say what appears",
    r"optimi[s]ers?": "optimizer",
}
GUIDES = (
    "start", "leaderboard", "after-a-run", "experiments", "score", "python", "data", "extending", "images",
    "never-converged", "tasks", "series-and-tables",
)  # fmt: skip
FEWEST, MOST = 400, 1500  # words of a guide


def english(page: Page) -> bool:
    return "zh" not in (page.path.parent.name, *page.path.name.split("."))


@pytest.mark.parametrize("page", [page for page in PAGES if english(page)], ids=str)
def test_no_word_that_the_glossary_replaces_is_on_a_page(page: Page):
    for wrong, right in GLOSSARY.items():
        found = re.search(rf"[^\n]*\b{wrong}\b[^\n]*", page.prose, re.IGNORECASE)
        assert not found, f"{page}: {found[0] if found else ''}\n  {wrong}: write {right}"


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_has_a_length_that_is_read(name):
    text = Page(ROOT / "docs" / f"{name}.md").text
    words = sum(bool(re.search(r"\w", word)) for word in text.split())  # and not the lines of a table
    assert FEWEST <= words <= MOST


def test_the_words_are_found_in_prose_and_not_in_code(tmp_path):
    file = tmp_path / "a.md"
    file.write_text("A model.\n\n```bash\ngenbench picture\n```\n\nIt is `picture`, [a link](picture.png).\n")
    assert not re.search("picture", Page(file).prose)
    file.write_text("A Picture is drawn.\n")
    assert re.search(r"\bpictures?\b", Page(file).prose, re.IGNORECASE)
