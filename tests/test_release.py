"""The files of a release: one version, and workflows, images and recipes that name what is there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

import genbench
from genbench.core.code_fingerprint import PLUMBING
from genbench.core.public_names import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_version_is_in_one_place():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "genbench.core.public_names.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", __version__)
    assert genbench.__version__ == __version__
    assert "genbench.core.public_names" not in PLUMBING, "a number of a trial does not depend on it"


def test_the_files_that_cannot_read_it_have_the_same_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    assert f'set version = "{__version__}"' in (ROOT / "conda" / "meta.yaml").read_text()
    assert re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] in ("Unreleased", __version__)


def test_the_changelog_has_the_headings_of_its_format():
    headings = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_citation_has_what_its_schema_asks_for():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited.keys() >= {"message", "title", "authors", "license", "doi", "type"}
    assert all(author.get("name") or author.get("family-names") for author in cited["authors"])
    assert re.fullmatch(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+", cited["doi"])
    assert cited["license"] == PROJECT["project"]["license"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_runs_what_is_there(file):
    """Each step uses an action of a fixed version, or runs targets of make, files and commands that exist."""
    workflow = yaml.safe_load(file.read_text())
    assert workflow.keys() >= {"name", "jobs", "permissions"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for job in workflow["jobs"].values():
        assert "runs-on" in job
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
            for line in step.get("run", "").splitlines():
                words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "X", line).rstrip("\\"), comments=True)
                if words[:1] == ["make"]:
                    assert set(words[1:]) <= targets, line
                for word in words:
                    if re.fullmatch(r"(\.ci|benchmarks|tests|docs)/[\w./-]+|[\w-]+\.(py|txt|toml)", word):
                        assert (ROOT / word).exists(), line
        for module in re.findall(r"python -m (\w+)", str(job)):
            assert module in {"pip", "pytest", "venv"}, module


def test_the_tests_run_on_each_system_and_python():
    matrix = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    named = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert matrix["python"] == named
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda f: f.stem)
def test_an_issue_form_asks_for_something(file):
    form = yaml.safe_load(file.read_text())
    assert form.keys() >= {"name", "description", "body"}
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(part["type"] in {"input", "textarea", "dropdown", "checkboxes"} for part in form["body"])
    assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_the_image_copies_what_is_there_and_is_nobody_s_root():
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and line[0] != "#"]
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    assert all((ROOT / name).exists() for name in copied)
    packages = {part.split("/")[0] for part in PROJECT["tool"]["setuptools"]["package-dir"].values()} | {"genbench"}
    assert packages <= set(copied)
    assert lines.index("USER genbench") < lines.index('ENTRYPOINT ["genbench"]')
    assert not any(line.startswith("USER root") for line in lines)


def test_the_conda_recipe_asks_for_what_the_package_does():
    """Names differ in a few places; the versions are the same."""
    text = re.sub(r"\{%.*?%\}\n|\{\{ ?(\w+) ?\}\}", r"\1", (ROOT / "conda" / "meta.yaml").read_text())
    run = yaml.safe_load(text)["requirements"]["run"]
    names = {"torch": "pytorch", "pot": "pot", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base"}
    due = {"python": PROJECT["project"]["requires-python"]}
    for one in PROJECT["project"]["dependencies"]:
        name, least = re.fullmatch(r"([\w-]+)(>=[\d.]+)", one).groups()
        due[names.get(name.lower(), name.lower())] = least
    assert dict(one.split() for one in run) == due


@pytest.mark.parametrize(
    "name", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", ".github/PULL_REQUEST_TEMPLATE.md"]
)
def test_files_and_commands_that_documents_name_are_there(name):
    from genbench.cli.main import COMMANDS

    text = (ROOT / name).read_text()
    for file in re.findall(r"(?:docs|tests|benchmarks)/[\w./-]+\.\w+", text):
        assert (ROOT / file).exists(), file
    known = {getattr(one, "__name__", "data").rstrip("_") for group in COMMANDS.values() for one in group}
    assert set(re.findall(r"genbench ([a-z]+)", text)) <= known | {"promises", "is", "s", "keeps", "on"}
