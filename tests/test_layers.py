"""Layers of the house: imports point down, lazy and type-only ones included, and no two modules need each other.

import-linter checks the folders of `genbench/` in `make lint`. It cannot be shown `models/` and `datasets/`, which lie
beside it and are imported as parts of it, so that all of them are checked here.
"""

import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"genbench": "genbench", "genbench.models": "models", "genbench.datasets": "datasets"}
LAYERS = (  # the highest first; those of one line import nothing of each other
    ("__main__",),
    ("cli",),
    ("authoring",),
    ("",),  # genbench/__init__.py
    ("api", "series"),
    ("results",),
    ("report",),
    ("figures",),
    ("display",),
    ("runs",),
    ("testing", "tasks", "analysis"),
    ("evaluation", "downstream"),
    ("models", "datasets", "metrics"),
    ("estimator", "storage"),
    ("nn",),
    ("training",),
    ("plotting",),
    ("contracts",),
    ("numerics", "statistics", "reading"),
    ("core",),
)
FLOOR = {folder: -floor for floor, layer in enumerate(LAYERS) for folder in layer}


def modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        for file in (ROOT / folder).rglob("*.py"):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *parts]).removesuffix(".__init__")] = file
    return found


def imports(file: Path, known: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} has a relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else str(node.module) for name in inner}
    return found & known.keys()


def folder(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def graph() -> dict[str, set[str]]:
    known = modules()
    return {module: imports(file, known) - {module} for module, file in known.items()}


def test_every_folder_has_a_layer():
    assert {folder(module) for module in modules()} == FLOOR.keys()


def test_imports_point_down():
    upward = [
        f"{module} imports {imported}"
        for module, found in graph().items()
        for imported in found
        if folder(imported) != folder(module) and FLOOR[folder(imported)] >= FLOOR[folder(module)]
    ]
    assert not upward


def test_no_two_modules_need_each_other():
    try:
        list(TopologicalSorter(graph()).static_order())
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {' -> '.join(error.args[1])}") from None


def test_the_root_is_small():
    assert sorted(file.name for file in (ROOT / "genbench").glob("*.py")) == [
        "__init__.py",
        "__main__.py",
        "api.py",
        "results.py",
        "series.py",
    ]


def test_sizes():
    """A file has one concept, a function fits on a screen."""
    for file in modules().values():
        text = file.read_text()
        assert text.count("\n") <= 350, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{file}: {node.name}"


def test_the_wheel_has_every_folder_of_code():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        file.parent.relative_to(ROOT).as_posix().replace("/", ".") for file in (ROOT / "genbench").rglob("__init__.py")
    }
    plugins = {f"genbench.{name}" for name in ("models", "models.peers", "datasets")}
    assert set(settings["packages"]) == folders | plugins
