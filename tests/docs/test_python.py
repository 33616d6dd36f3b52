"""Each block of Python that a page shows compiles, and what it takes from genbench is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import tomllib

import pytest
from doc_pages import PAGES, Page

import genbench


@pytest.mark.parametrize("page", [page for page in PAGES if page.python], ids=str)
def test_blocks_of_python_compile_and_their_names_exist(page: Page):
    for block in page.python:
        tree = ast.parse(block.text, f"{page}:{block.line}")
        for node in ast.walk(tree):
            place = f"{page}:{block.line + getattr(node, 'lineno', 1) - 1}"
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "genbench":
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, one.name) for one in node.names), place
            elif isinstance(node, ast.Call) and _of_genbench(node.func):
                check_call(node, place)
            elif isinstance(node, ast.Attribute) and _of_genbench(node):
                assert hasattr(genbench, node.attr), f"{place}: genbench.{node.attr}"


def _of_genbench(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "genbench"


def check_call(node: ast.Call, place: str) -> None:
    function = getattr(genbench, node.func.attr)  # type: ignore[attr-defined]
    inspect.signature(function).bind_partial(*node.args, **{one.arg: one.value for one in node.keywords if one.arg})
    assert place


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.language == "toml" for b in page.blocks)], ids=str)
def test_blocks_of_toml_can_be_read(page: Page):
    for block in page.blocks:
        if block.language == "toml":
            assert tomllib.loads(block.text), f"{page}:{block.line}"
