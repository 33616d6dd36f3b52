"""Each command that a page shows is one: its options, and the names that it gives, are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from doc_pages import PAGES, ROOT, Page, unquoted

from genbench.cli.main import app
from genbench.contracts.data_files import is_path
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS, select_metrics
from genbench.contracts.model import MODELS
from genbench.contracts.recipe import Budget
from genbench.core.errors import GenbenchError
from genbench.core.parameters import bind
from genbench.core.registry import REGISTRY, Group, discover
from genbench.core.selection import parse_list
from genbench.figures import available
from genbench.runs.grids import expanded
from genbench.runs.plan import parse_seeds
from genbench.tasks import load_task

COMMANDS = typer.main.get_command(app).commands
WITH_COMMANDS = [page for page in PAGES if page.commands]
REGISTERED = re.compile(r"@register_(?:model|dataset|metric)\(\s*\"(\w+)\"")
OTHER_PROGRAMS = (
    ".",
    "pip",
    "python",
    "python3",
    "make",
    "cd",
    "git",
    "export",
    "tensorboard",
    "dask",
    "pytest",
    "apt-get",
)
COLUMNS = {
    "all", "main", "worse_by", "seeds", "train_seconds", "compute", "samples_per_second", "parameters", "nfe",
    "failures", "family", "log-likelihood",
}  # fmt: skip


def parsed(words: list[str]) -> tuple[str, dict]:
    """Read a command as the command line does, up to the point where it would run; return its name and parameters."""
    assert words[0] == "genbench"
    command, name, rest = COMMANDS[words[1]], words[1], words[2:]
    if hasattr(command, "commands"):
        command, name, rest = command.commands[rest[0]], f"{name} {rest[0]}", rest[1:]
    with command.make_context(name, list(rest)) as context:
        return name, context.params


def check_names(name: str, params: dict, own: set[str]) -> None:
    """Check that what a command names is there; `own` are the names that a page registers itself."""
    for option, group in (("models", MODELS), ("data", DATASETS), ("model", MODELS)):
        text = params.get(option)
        if isinstance(text, str) and text:  # '' is the default of `compare --models`
            check_selection(group, text, own)
    if name.startswith("data "):
        check_selection(DATASETS, params["name"], own)
    if name == "list" and params["name"]:
        check_selection(REGISTRY[params["group"]], params["name"], own)
    for target in params.get("targets") or ():
        if not target.endswith(".py"):
            assert any(_selects(group, target, own) for group in (MODELS, DATASETS, METRICS)), target
    check_metrics(params, own)
    if isinstance(params.get("task"), str):
        load_task(params["task"])
    if isinstance(params.get("budget"), str):
        Budget(params["budget"])
    if isinstance(params.get("seeds"), str) and params["seeds"] != "auto":
        parse_seeds(params["seeds"])
    if name == "plot":
        assert set(params["figures"] or ()) <= set(available())


def check_selection(group: Group, text: str, own: set[str]) -> None:
    for one in parse_list(text):
        if one.name in own or (group is DATASETS and is_path(one.name)):
            continue
        for selection in group.select(str(one)):
            given = {key: value for key, value in selection.params.items() if (key, value) != ("tuned", True)}
            if group is not METRICS and given.keys() == selection.params.keys():
                for point in expanded(group[selection.name], selection):
                    bind(group[point.name], point.params)


def _selects(group: Group, text: str, own: set[str]) -> bool:
    try:
        check_selection(group, text, own)
    except GenbenchError:
        return False
    return True


def check_metrics(params: dict, own: set[str]) -> None:
    task = params.get("task") or "generate"
    for option in ("metrics", "metric", "sort", "columns"):
        text = params.get(option)
        if not isinstance(text, str):
            continue
        for one in text.split(","):
            if one not in own and one not in METRICS.cards and one not in COLUMNS:
                select_metrics(one, task)


@pytest.fixture(scope="module", autouse=True)
def found():
    discover()


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=str)
def test_the_command_line_takes_each_command(page: Page):
    own = set(REGISTERED.findall(page.text)) | {one.words[3] for one in page.commands if one.words[1] == "new"}
    for command in page.commands:
        where = f"{page}:{command.line}: {command.text}"
        try:
            check_names(*parsed(command.words), own)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{where}: {error!r}") from error


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=str)
def test_zsh_takes_each_command_as_it_is(page: Page):
    """Brackets and other signs of zsh are in quotes, and no comment follows: zsh does not read comments that are typed."""
    for command in page.commands:
        assert not unquoted(command.text), f"{page}:{command.line}: {command.text}"


def test_the_check_of_zsh_sees_what_zsh_refuses():
    assert unquoted("genbench run --models vae[latent_dim=4]") == "[]"
    assert unquoted("genbench run --models 'a[b=1]' # why") == "#"
    assert not unquoted("genbench run --models \"cfm[hidden=[64,128]]\" --data 'x.csv[label=a]'")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_in_a_sentence_have_options_that_exist(page: Page):
    for text in re.findall(r"`(genbench [a-z][^`]*)`", page.text):
        words = text.replace("…", "").split()
        command = COMMANDS[words[1]]
        if hasattr(command, "commands") and len(words) > 2:
            command = command.commands[words[2]]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
        assert given <= options | {"--help", "-h"}, f"{page}: {text}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_other_commands_are_of_known_programs_and_their_files_exist(page: Page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for block in page.blocks:
        if block.language not in ("bash", "sh", "zsh"):
            continue
        for line in re.sub(r"\\\n\s*", " ", block.text).split("\n"):
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if not words or words[0] == "genbench":
                continue
            assert words[0] in OTHER_PROGRAMS, f"{page}:{block.line}: {line}"
            if words[0] == "make":
                assert set(words[1:]) <= targets, f"{page}:{block.line}: {line}"
            for word in words:
                if word.startswith("benchmarks/"):
                    assert Path(ROOT, word).exists(), f"{page}:{block.line}: {line}"
