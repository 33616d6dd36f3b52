"""The pages of models: each names its models, shows figures that are there, and its commands are understood."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark_scripts import script
from genbench.cli.main import app
from genbench.contracts.model import MODELS
from genbench.core.registry import discover

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted((DOCS / "models").glob("*.md"))}
FAMILIES = {name: text for name, text in PAGES.items() if name != "peers"}
CATALOGUE = re.compile(r"```\{catalogue\} models\n(.*?)```", re.DOTALL)
SECTIONS = (
    "The equation", "Samples", "Settings that matter", "How to read its likelihood", "When it fails",
    "Models and settings",
)  # fmt: skip
MOST_BYTES = 60_000


def commands(text: str) -> list[str]:
    """Return the `genbench run` commands of the code blocks of a page."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = (line for block in blocks for line in re.sub(r" \\\n +", " ", block).splitlines())
    return [line for line in lines if line.startswith("genbench run ")]


@pytest.fixture(scope="module")
def figures():
    with script("family_figures") as module:
        yield module


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_model_of_genbench_has_its_place_on_one_page():
    discover(installed=False)
    own = [card for card in MODELS.cards.values() if card.built_in]
    listed = [name for text in PAGES.values() for block in CATALOGUE.findall(text) for name in block.split()]
    places = [name for name in listed if name != "peers"]
    assert sorted(places) == sorted(card.name for card in own if card.family != "peers")
    assert "peers" in listed


@pytest.mark.parametrize("name", FAMILIES)
def test_a_page_has_all_that_a_reader_looks_for(name):
    assert tuple(re.findall(r"^## (.*)$", FAMILIES[name], re.MULTILINE)) == SECTIONS
    idea = FAMILIES[name].split("\n\n")[1]
    assert 2 <= len(re.findall(r"[.?](?:\s|$)", idea)) <= 4, "the idea in about three sentences"
    assert "$$" in FAMILIES[name] or name == "controls"


@pytest.mark.parametrize("name", FAMILIES)
def test_its_figures_are_there_are_small_and_are_described(name):
    shown = re.findall(r"!\[(.*?)\]\((.*?)\)", FAMILIES[name])
    assert shown
    for words, file in shown:
        assert len(words) > 30
        assert 5_000 < (DOCS / "models" / file).stat().st_size <= MOST_BYTES


def test_every_figure_is_shown_below_the_command_that_made_it(figures):
    for name in figures.FIGURES:
        page = next((text for text in FAMILIES.values() if f"]({name}.webp)" in text), "")
        assert f"```\n{figures.command(name)}\n```\n\n![" in page.partition(f"]({name}.webp)")[0]


@pytest.mark.parametrize("command", [line for text in [*PAGES.values()] for line in commands(text)])
def test_its_commands_are_understood(command):
    done = CliRunner().invoke(app, [*shlex.split(command, comments=True)[1:], "--why"])
    if "[peers]" in str(done.exception) or "pip install" in str(done.exception):
        pytest.skip("needs the libraries of peers")
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    assert re.search(r"(\d+) of \1 trials would run", done.output)


def test_the_scores_of_the_overview_are_those_of_the_committed_run():
    board = json.loads((ROOT / "results/reference/zoo-standard-large/leaderboard.json").read_text())
    kl = {row["model"]: row["metrics"]["kl"] for row in board if row["dataset"] == "moons"}
    names = {
        "vae": "vae", "diffusion": "ddpm", "flow-matching": "cfm", "coupling-flows": "coupling_flow",
        "continuous-flows": "cnf", "autoregressive": "ar", "mixtures": "gmm",
    }  # fmt: skip
    overview = (DOCS / "models.md").read_text(encoding="utf-8")
    found = dict(
        re.findall(r"^\| \[.*?\]\(models/([\w-]+)\.md\).*?\| [≤≈ ]*([\d.]+) \| [^|]*\|$", overview, re.MULTILINE)
    )
    assert {page: float(found[page]) for page in names} == {
        page: round(kl[model]["mean"], 4) for page, model in names.items()
    }
    assert set(found) - set(names) == {"controls"}


def test_the_overview_leads_to_every_page():
    overview = (DOCS / "models.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(models/([\w-]+)\.md\)", overview)) == set(PAGES)
    assert set(re.findall(r"<models/([\w-]+)>", overview)) == set(PAGES)


def test_a_trial_is_found_however_its_parameters_are_written(figures):
    assert figures._named("gan[penalty=0,loss=minimax]") == figures._named("gan[loss=minimax,penalty=0.0]")
    assert figures._named("ddpm[steps=5]") != figures._named("ddpm[steps=10]")
