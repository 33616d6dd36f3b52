"""Each page works as a reader uses it: all its commands and Python, in order, in an empty folder.

Training is short, by the rules of `shortened`: `--budget smoke` takes the place of any budget, under the name that the
run has without it, with two seeds, 1,000 samples and 2,000 training points at most; searches and self-tests do less. A
block below `<!-- not run: why -->` is left out, and so is a page that has the commands of another one. A page that reads
results/moons-quick, and does not say how to make it, finds a small run there.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import PAGES, Block, Page

import genbench

LIMIT = 600  # seconds of one block of Python, by hand
SHORTER: dict[
    str, dict[str, str | None]
] = {  # options of a command that makes no run of its own, and the values that take their place
    "tune": {"--budget": "smoke", "--trials": "2", "--seeds": "1"},
    "check": {"--fast": None},
    "selftest": {"--repeats": "2", "--samples": "200"},
    "sweep": {"--samples": "500"},
}
PAGES_WITH_CODE = list({tuple(page.words): page for page in reversed(PAGES) if page.commands or page.python}.values())
MOST_SEEDS = 2
USUAL = "moons-quick"


def shortened(words: list[str], folder: Path) -> list[str]:
    """Return a command that does the same, in less time.

    A `genbench run` without a name gets the one that it would have had, so that later commands find its folder.
    """
    if words[1] == "run":
        words = _named(words, folder)
        if "--again" in words:
            return words
        return _with(
            _fewer_seeds(words), {"--budget": "smoke", "--jobs": "0"}, {"--samples": "1000", "--train": "2000"}
        )
    options = SHORTER.get(words[1], {})
    return _with(words, options)


def _named(words: list[str], folder: Path) -> list[str]:
    from genbench.runs.launch import RunOptions

    given = dict(itertools.pairwise(words))
    if "--name" in given or (len(words) > 2 and not words[2].startswith("-")):
        return words
    asked = {"datasets": given.get("--data", "moons"), "budget": given.get("--budget", "quick")}
    before = Path.cwd()
    os.chdir(folder)
    try:
        name = RunOptions(**asked, task=given.get("--task", "generate")).folder.name
    finally:
        os.chdir(before)
    return [*words, "--name", name]


def _fewer_seeds(words: list[str]) -> list[str]:
    at = words.index("--seeds") + 1 if "--seeds" in words else 0
    many = at and words[at].isdigit() and int(words[at]) > MOST_SEEDS
    return [*words[:at], str(MOST_SEEDS), *words[at + 1 :]] if many else words


def _with(words: list[str], options: dict[str, str | None], unless_given: dict[str, str] | None = None) -> list[str]:
    options = options | {name: value for name, value in (unless_given or {}).items() if name not in words}
    for name, value in options.items():
        if name in words:
            if value is not None:
                words = [*words[: words.index(name) + 1], value, *words[words.index(name) + 2 :]]
        else:
            words = [*words, name] if value is None else [*words, name, value]
    return words


def run_python(block: Block, folder: Path) -> None:
    """Run a block in an interpreter of its own, with `genbench.run` at the budget `smoke`."""
    code = re.sub(r"budget=(\"\w+\"|\d+)", 'budget="smoke"', block.text)
    file = folder / "block_of_the_page.py"
    start = "import functools, genbench\ngenbench.run = functools.partial(genbench.run, budget='smoke', jobs=0)\n"
    file.write_text(start + code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, file.name], cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, f"line {block.line}:\n{block.text}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def usual_run(tmp_path_factory) -> Path:
    """A small run of the name that pages use."""
    folder = tmp_path_factory.mktemp("usual")
    genbench.run(
        "gmm,cfm", "moons", 2, "smoke", name=USUAL, results=folder, samples=1000, train=2000, jobs=0, progress=False,
        say=lambda _: None,
    )  # fmt: skip
    return folder / USUAL


def begin(page: Page, folder: Path, usual_run: Path) -> None:
    """Put the usual run into a folder if the page takes it for granted."""
    made = any(command.words[1] == "run" and "--name" not in command.words for command in page.commands)
    if f"results/{USUAL}" in page.text and not made:
        shutil.copytree(usual_run, folder / "results" / USUAL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=str)
def test_a_page_works_from_its_first_line_to_its_last(page: Page, tmp_path, genbench_cli, usual_run):
    begin(page, tmp_path, usual_run)
    for block in page.blocks:
        if block.not_run:
            continue
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.text + "\n", encoding="utf-8")
        elif block in page.python:
            run_python(block, tmp_path)
        for command in block.commands:
            words = shortened(command.words, tmp_path)
            done = genbench_cli(*words[1:], check=None)
            said = f"{page}:{command.line}: {command.text}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, said


def test_a_command_is_shortened_and_keeps_the_name_of_its_run(tmp_path):
    words = ["genbench", "run", "--data", "moons,ring", "--seeds", "5", "--budget", "standard", "--train", "9"]
    assert shortened(words, tmp_path) == [
        "genbench", "run", "--data", "moons,ring", "--seeds", "2", "--budget", "smoke", "--train", "9",
        "--name", "moons-ring-standard", "--jobs", "0", "--samples", "1000",
    ]  # fmt: skip
    assert shortened(["genbench", "tune", "cfm", "--trials", "50"], tmp_path)[3:5] == ["--trials", "2"]
    assert shortened(["genbench", "run", "results/demo", "--again"], tmp_path)[2:] == ["results/demo", "--again"]
