"""The Chinese pages show the same commands, code and tables as the English ones."""

from __future__ import annotations

import re

import pytest
from doc_pages import ROOT, Page

PAIRS = {
    "README.zh.md": "README.md",
    "docs/zh/start.md": "docs/start.md",
    "docs/zh/leaderboard.md": "docs/leaderboard.md",
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def code(block_text: str) -> list[str]:
    """Return code without its comments, which are translated."""
    return [re.sub(r"\s+# .*", "", line) for line in block_text.split("\n") if not line.lstrip().startswith("# ")]


@pytest.mark.parametrize(("chinese", "english"), PAIRS.items())
def test_a_translation_has_the_same_commands_and_code(chinese, english):
    translated, original = Page(ROOT / chinese), Page(ROOT / english)
    assert [one.text for one in translated.commands] == [one.text for one in original.commands]
    pairs = zip(translated.python, original.python, strict=True)
    assert all(code(re.sub(r'"""[^"]*"""', "", a.text)) == code(re.sub(r'"""[^"]*"""', "", b.text)) for a, b in pairs)


@pytest.mark.parametrize(("chinese", "english"), PAIRS.items())
def test_a_translation_has_the_same_sections_and_numbers(chinese, english):
    translated, original = Page(ROOT / chinese), Page(ROOT / english)
    levels = [re.findall(r"^(#+) ", one.text, re.MULTILINE) for one in (translated, original)]
    assert levels[0] == levels[1]
    rows = [
        [re.findall(r"\d[\d.,]*", row) for row in re.findall(r"^\|.*\|$", one.text, re.MULTILINE)]
        for one in (translated, original)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("page", [*PAIRS, "docs/zh/models.md"])
def test_a_translation_is_in_chinese(page):
    prose = Page(ROOT / page).prose
    assert len(CHINESE.findall(prose)) > 2 * len(re.findall(r"[A-Za-z]{2,}", prose))
