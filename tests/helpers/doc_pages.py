"""The pages of the documentation: their blocks of code, commands, links and headings, as a reader sees them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "Command", "Page", "page", "unquoted"]

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*(\S*)")
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
SHELLS = ("", "bash", "sh", "shell", "console", "zsh")
FILE_NAME = re.compile(r"# ([\w-]+\.(?:py|toml|csv))\s*$")
SHELL_SIGNS = set("[]*?(){}<>|;&^~#")  # zsh, as it is set up, reads them unless they are in quotes


@dataclass(frozen=True)
class Command:
    """A command that a page shows, on one line; `not_run` says why the test of whole pages leaves it out, if it does."""

    line: int
    text: str
    not_run: str = ""

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


@dataclass(frozen=True)
class Block:
    """A block of code: fenced, with its language, or indented."""

    line: int
    language: str
    text: str
    not_run: str = ""

    @property
    def file_name(self) -> str:
        """The file that the block is, as its first line says: `# my_model.py`. "" if it is none."""
        found = FILE_NAME.match(self.text.split("\n", 1)[0])
        return found[1] if found else ""

    @property
    def commands(self) -> list[Command]:
        """The commands of a block for a shell; lines that end in a backslash go on."""
        if self.language not in SHELLS:
            return []
        text = re.sub(r"\\\n\s*", " ", self.text)
        lines = [line.strip().removeprefix("$ ") for line in text.split("\n")]
        return [Command(self.line, line, self.not_run) for line in lines if line.startswith("genbench ")]


@dataclass(frozen=True)
class Page:
    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        return list(_blocks(self.text.splitlines()))

    @property
    def commands(self) -> list[Command]:
        return [command for block in self.blocks for command in block.commands]

    @property
    def words(self) -> list[str]:
        """What is run of the page: its commands, and its Python without comments, which a translation has in its language."""
        code = [re.sub(r"\s+# .*", "", block.text) for block in self.python if not block.file_name]
        return [*(command.text for command in self.commands if not command.not_run), *code]

    @property
    def python(self) -> list[Block]:
        return [block for block in self.blocks if block.language in ("python", "py")]

    @cached_property
    def prose(self) -> str:
        """The text without code, comments, and the targets of links."""
        text = re.sub(r"<!--.*?-->", "", self._without_blocks, flags=re.DOTALL)
        return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "``", text))

    @property
    def links(self) -> list[str]:
        """The targets of links and images, outside code."""
        text = re.sub(r"`[^`\n]*`", "", self._without_blocks)
        return re.findall(r"\]\(<?([^)>\s]+)>?\)", text)

    @property
    def _without_blocks(self) -> str:
        lines = self.text.splitlines()
        for block in self.blocks:
            for number in range(block.line - 1, block.line + block.text.count("\n")):
                lines[number] = ""
        return re.sub(r"^\s*(`{3,}|~{3,}).*$", "", "\n".join(lines), flags=re.MULTILINE)

    @cached_property
    def anchors(self) -> set[str]:
        """What `page.md#anchor` may name: headings as GitHub and MyST slug them, and MyST's targets."""
        headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", self.text, re.MULTILINE)
        targets = re.findall(r"^\(([\w.-]+)\)=", self.text, re.MULTILINE)
        return {_slug(heading) for heading in headings} | set(targets)


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yield the blocks of a page. A comment `<!-- not run: why -->` above a block is of that block."""
    not_run, number = "", 0
    while number < len(lines):
        line = lines[number]
        if found := NOT_RUN.search(line):
            not_run = found[1]
        elif opened := FENCE.match(line):
            end = _end_of_fence(lines, number, opened[2])
            language = opened[3].strip("{}") if opened[3].startswith("{") else opened[3]
            indent = len(opened[1])
            text = "\n".join(one[indent:] for one in lines[number + 1 : end])
            yield Block(number + 2, "directive" if opened[3].startswith("{") else language, text, not_run)
            not_run, number = "", end
        elif line.startswith("    ") and line.strip() and (number == 0 or not lines[number - 1].strip()):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield Block(number + 1, "", "\n".join(one[4:] for one in lines[number:end]).rstrip("\n"), not_run)
            not_run, number = "", end - 1
        elif line.strip():
            not_run = ""
        number += 1


def _end_of_fence(lines: list[str], start: int, fence: str) -> int:
    for number in range(start + 1, len(lines)):
        if lines[number].strip().startswith(fence) and not lines[number].strip().strip(fence[0]):
            return number
    raise AssertionError(f"line {start + 1}: the fence is not closed")


def unquoted(command: str) -> str:
    """Return the signs outside quotes that zsh, as it is set up, would not pass on as they are."""
    quote, found = "", ""
    for sign in command:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in SHELL_SIGNS:
            found += sign
    return found


def page(name: str) -> Page:
    """Return the page at a path from the root of the repository."""
    return Page(ROOT / name)


def _all_pages() -> list[Page]:
    files = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(file) for file in files if "_build" not in file.parts]


PAGES = _all_pages()
