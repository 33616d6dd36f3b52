"""Every text of the program in one file: help, errors, messages, docstrings, captions, each with its place.

Read it as somebody who has never seen the project. Run it as `python benchmarks/texts.py [FILE]`, or `make texts`.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("genbench", "models", "datasets")
WORDS = 3  # of a string that is read by people; by hand: shorter ones are names, formats and keys
MESSAGES = {"say", "warn", "tell", "fail", "echo", "caution"}  # functions that show a line
KINDS = ("help", "error", "message", "text", "docstring")


@dataclass(frozen=True)
class Text:
    """A text that somebody may read.

    Attributes:
        kind: one of KINDS; "text" is what no other kind is, such as a caption or a cell.
        file: from the root of the project.
        text: with `{expression}` where a value is put in.
    """

    kind: str
    file: str
    line: int
    text: str


def texts(root: Path = ROOT) -> list[Text]:
    """Return the texts of all files, in the order of the files."""
    files = [file for folder in FOLDERS for file in sorted((root / folder).rglob("*.py"))]
    return [text for file in files for text in of_source(file.read_text(), file.relative_to(root).as_posix())]


def of_source(source: str, file: str) -> list[Text]:
    """Return the texts of a file, in their order."""
    tree = ast.parse(source)
    found: dict[ast.AST, Text] = {}
    for node, kind in _placed(tree):
        text = _written(node)
        if node not in found and (kind != "text" or len(text.split()) >= WORDS):
            found[node] = Text(kind, file, getattr(node, "lineno", 1), text)
    return sorted(found.values(), key=lambda text: text.line)


def _placed(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Yield the strings of a file with what they are; where one is of two kinds, the narrower comes first."""
    with_docstring = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, with_docstring) and ast.get_docstring(node) is not None:
            first = node.body[0]
            assert isinstance(first, ast.Expr)
            yield first.value, "docstring"
        if isinstance(node, ast.keyword) and node.arg == "help":
            yield from ((string, "help") for string in _strings(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            yield from ((string, "error") for string in _strings(node))
        if isinstance(node, ast.Call) and _name(node.func) in MESSAGES:
            yield from ((string, "message") for string in _strings(node))
    yield from ((string, "text") for string in _strings(tree))


def _strings(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the strings in a node; those within another one's braces are part of it."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    parts = [part.value if isinstance(part, ast.Constant) else f"{{{_expression(part)}}}" for part in node.values]
    return "".join(map(str, parts))


def _expression(part: ast.expr) -> str:
    return ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ast.unparse(part)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "build" / "texts.txt", help="File to write.")
    file = parser.parse_args().file
    every = texts()
    lines = []
    for kind in KINDS:
        chosen = [text for text in every if text.kind == kind]
        lines.append(f"\n# {kind} ({len(chosen)})\n")
        for text in chosen:
            shown = text.text.strip().splitlines()[:1] if kind == "docstring" else text.text.split("\n")
            lines += [f"{text.file}:{text.line}: {' / '.join(part.strip() for part in shown)}"]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines).lstrip() + "\n", encoding="utf-8")
    print(f"{file}: {len(every):,} texts")


if __name__ == "__main__":
    main()
