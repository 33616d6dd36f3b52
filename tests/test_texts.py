"""The words of the program: help, errors, messages and docstrings without those of tests/glossary.txt, and help that teaches."""

import ast
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import typer

from benchmark_scripts import script

ROOT = Path(__file__).parents[1]
QUOTED = re.compile(r"`[^`]*`|\"\w+\"")  # names in code may be older than the glossary


def glossary() -> list[re.Pattern[str]]:
    lines = (ROOT / "tests" / "glossary.txt").read_text().splitlines()
    return [re.compile(line.rsplit(" => ", 1)[0], re.IGNORECASE) for line in lines if line and line[0] != "#"]


def words(text: str) -> list[str]:
    """Return the words of the glossary's left column in a text."""
    plain = " ".join(QUOTED.sub("…", text).split())
    return [found[0] for word in glossary() for found in word.finditer(plain)]


@pytest.fixture(scope="module")
def texts():
    with script("texts") as module:
        yield module.texts()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a picture of a training", ["picture", "a training"]),
        ("Its trainings hang on the seed", ["trainings", "hang on"]),
        ("a training run of a short training step, `picture` and the training", []),
        ("models that cannot be told apart", ["told apart"]),
        ("they are 2 apart", []),
        ("no step is mended; it goes on from where it was", ["goes on from", "mended"]),
    ],
)
def test_the_glossary_finds_its_words(text, found):
    assert sorted(words(text)) == sorted(found)


def test_no_text_has_a_word_of_the_glossary(texts):
    assert not [f"{text.file}:{text.line}: {word}" for text in texts for word in words(text.text)]


def test_all_kinds_of_texts_are_found(texts):
    counts = Counter(text.kind for text in texts)
    assert all(
        counts[kind] >= least for kind, least in {"help": 150, "error": 600, "message": 50, "docstring": 3000}.items()
    )
    assert any("{self.singular} '{shown(name)}'" in text.text and text.kind == "error" for text in texts)


def test_the_first_line_of_a_docstring_is_short(texts):
    long = [f"{t.file}:{t.line}" for t in texts if t.kind == "docstring" and len(t.text.strip().splitlines()[0]) > 115]
    assert not long


def public_docstrings(body, place):
    """Yield the docstrings of a module or class and of what is public in it, with their places."""
    yield place, ast.get_docstring(body) or ""
    for node in body.body if isinstance(body, ast.Module | ast.ClassDef) else ():
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield from public_docstrings(node, f"{place}: {node.name}")


def test_the_first_line_of_a_public_docstring_is_at_most_88_letters():
    files = [file for folder in ("genbench", "models", "datasets") for file in (ROOT / folder).rglob("*.py")]
    found = [one for file in files for one in public_docstrings(ast.parse(file.read_text()), file.name)]
    assert len(found) > 2900
    assert not [place for place, text in found if len(text.partition("\n")[0]) > 88]


def commands():
    from genbench.cli.main import app

    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {one}", each) for one, each in inner.items()) if inner else [(name, command)]


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_teaches(name):
    """A short line, an example that parses, and a text for each option that begins with a capital and is a sentence."""
    command = COMMANDS[name]
    assert 15 < len(command.short_help) <= 76
    examples = [line.strip() for line in command.epilog.splitlines()]
    assert any(example.startswith(f"genbench {name}") for example in examples)
    for example in examples:
        assert example.startswith("genbench "), example
        assert "#" not in example, "zsh takes no comments on a line that is typed"
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", example)
        assert not re.search(r"[\[\]*?]", bare), f"zsh expands brackets: {example}"
        first, *rest = shlex.split(example)
        assert first == "genbench"
        words, inner = (rest[2:], COMMANDS[" ".join(rest[:2])]) if rest[0] == "data" else (rest[1:], COMMANDS[rest[0]])
        inner.make_context(rest[0], list(words), resilient_parsing=False)
    for option in command.params:
        text = option.help or ""
        if option.name not in ("help", "install_completion", "show_completion"):
            assert re.match(r"[A-Z][^.]", text), f"{option.name}: {text}"
            assert text.endswith("."), f"{option.name}: {text}"


def test_many_options_are_in_groups(genbench_cli):
    help_ = genbench_cli("run", "--help").stdout
    titles = re.findall(r"^(\S.*):$", help_, re.MULTILINE)
    assert titles == [
        "Arguments", "What to run", "How much", "Table and verdicts", "Where it runs", "Resume and repeat",
        "Progress and logs", "Several machines", "Options", "Examples",
    ]  # fmt: skip
    top = genbench_cli("--help").stdout
    assert re.findall(r"^(\S.*):$", top, re.MULTILINE) == [
        "Options", "Train and score", "Look at a run", "Know and extend", "Share and repeat",
    ]  # fmt: skip
    assert "..." not in top.split("Train and score:")[1], "each command's line is whole"
