"""The first files of a new model, dataset, metric or package, each with tests."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genbench.authoring.names import check_free, check_name, class_name
from genbench.core.errors import GenbenchError

__all__ = ["KINDS", "Kind", "Start", "What", "start", "write"]

What = Literal["model", "dataset", "metric", "project"]
Kind = Literal["torch", "numpy", "sklearn"]
KINDS: tuple[Kind, ...] = ("torch", "numpy", "sklearn")

TEMPLATES = Path(__file__).parent / "templates"
STANDS_FOR = {"model": "my_model", "dataset": "my_data", "metric": "my_metric"}  # the name that a template has
INSIDE = {"model": "model", "dataset": "data", "metric": "metric"}  # modules of a package
RUNS = {
    "model": "genbench run --models {name},gaussian --data moons --plugin {file}",
    "dataset": "genbench run --models gmm,gaussian --data {name} --plugin {file}",
    "metric": "genbench run --models gmm,gaussian --data moons --metrics {name},sliced_w2 --plugin {file}",
}


@dataclass(frozen=True)
class Start:
    """New files, and the commands to type next.

    Attributes:
        files: text of each file, by path.
        commands: commands to type next, in order.
    """

    files: Mapping[Path, str]
    commands: tuple[str, ...]


def start(what: What, name: str, folder: Path, kind: Kind = "torch") -> Start:
    """Return the files of a new model, dataset, metric or package, and the commands to type.

    Args:
        kind: the library with which a model is written.

    Raises:
        GenbenchError: the name cannot be used, or is taken.
    """
    check_name(name)
    if what == "project":
        return _project(name, folder / name, kind)
    check_free(f"{what}s", name)
    code, tests = folder / f"{name}.py", folder / f"test_{name}.py"
    files = {code: _named(_code(what, kind), what, name), tests: _named(_template(f"test_{what}.py"), what, name)}
    run = RUNS[what].format(name=name, file=shlex.quote(str(code)))
    check = f"genbench check {shlex.quote(str(code))} --fast"
    return Start(files, (check, run, f"python -m pytest {shlex.quote(str(tests))}"))


def write(files: Mapping[Path, str]) -> None:
    """Write new files. None is written if one of them exists already.

    Raises:
        GenbenchError: a file exists, or cannot be written.
    """
    for path in files:
        if path.exists() or path.is_symlink():
            raise GenbenchError(f"{path} exists already and is not overwritten; choose another name or --folder")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise GenbenchError(f"cannot write {path}: {error.strerror or error}; choose another --folder") from None


def _project(name: str, folder: Path, kind: Kind) -> Start:
    """Return the files of an installable package, whose entry points name a module for each group."""
    if folder.exists():
        raise GenbenchError(f"{folder} exists already and is not overwritten; choose another name or --folder")
    files = {
        folder / "pyproject.toml": _template("project.toml").replace("my_project", name),
        folder / "README.md": _template("project.md").replace("my_project", name),
        folder / ".github" / "workflows" / "test.yml": _template("project_ci.yml").replace("my_project", name),
        folder / "src" / name / "__init__.py": f'"""A model, a dataset and a metric for genbench: {name}."""\n',
    }
    for what, module in INSIDE.items():
        own = f"{name}_{module}"
        check_free(f"{what}s", own)
        code = _named(_code(what, kind), what, own).replace(f" --plugin {own}.py", "")
        tests = _installed(_named(_template(f"test_{what}.py"), what, own), f"{name}.{module}")
        here = {f"test_{own}.py": f"tests/test_{module}.py"}
        files[folder / "src" / name / f"{module}.py"] = _replaced(code, here)
        files[folder / "tests" / f"test_{module}.py"] = _replaced(tests, here)
    check = f"genbench check {name}_model {name}_data {name}_metric --fast"
    steps = ('pip install -e ".[test]"', check, "python -m pytest")
    return Start(files, (f"cd {shlex.quote(str(folder))}", *steps))


def _installed(tests: str, module: str) -> str:
    """Return tests that find a plugin as a module of an installed package, and not as a file beside them."""
    head, _, rest = tests.partition("PLUGIN = ")
    rest = rest.partition("\n")[2]
    if "Path" not in rest:
        head = head.replace("from pathlib import Path\n\n", "")
    return f'{head}PLUGIN = "{module}"  # an entry point of this package\n{rest}'


def _code(what: str, kind: Kind) -> str:
    return _template(f"model_{kind}.py" if what == "model" else f"{what}.py")


def _named(text: str, what: str, name: str) -> str:
    """Return a template with a name in the place of its own: as a name, as a class, as words."""
    old = STANDS_FOR[what]
    words = {
        old: name,
        class_name(old): class_name(name),
        f'label="{old.replace("_", " ")}"': f'label="{_words(name)}"',
    }
    return _replaced(text, words)


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
