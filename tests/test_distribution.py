"""The wheel and the sdist: built twice to the same bytes, and at work in an environment that has nothing of this folder."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from genbench.core.public_names import __version__

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The files of two builds from one commit."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for folder in folders:
        subprocess.run([sys.executable, ROOT / ".ci" / "dist.py", folder], check=True, capture_output=True)
    return [{file.name: file for file in folder.iterdir()} for folder in folders]


@pytest.fixture(scope="module")
def wheel(built):
    return built[0][f"genbench-{__version__}-py3-none-any.whl"]


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """A new environment with the wheel; what genbench needs comes from the libraries of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, cwd=folder)
    (packages,) = (path for path in folder.rglob("site-packages") if (path / "genbench").is_dir())
    libraries = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "libraries.pth").write_text("\n".join(libraries) + "\n")
    return python


def run(python: Path, *arguments: str, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-m", "genbench", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_commit_gives_the_same_bytes(built):
    one, two = built
    assert sorted(one) == sorted(two) == [f"genbench-{__version__}-py3-none-any.whl", f"genbench-{__version__}.tar.gz"]
    assert {name: file.read_bytes() for name, file in one.items()} == {
        name: file.read_bytes() for name, file in two.items()
    }


def test_the_wheel_has_all_that_is_committed(built, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "genbench", "models", "datasets"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    due = {line if line.startswith("genbench/") else f"genbench/{line}" for line in tracked.stdout.split()}
    assert {name for name in names if "dist-info" not in name} == due
    assert {"genbench/py.typed", "genbench/models/flow_matching.py", "genbench/authoring/templates/project.toml"} <= due
    with tarfile.open(built[0][f"genbench-{__version__}.tar.gz"]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "pyproject.toml"} <= inside
    assert not any(name.startswith("tests") for name in inside)


def test_it_is_the_wheel_that_runs(fresh, tmp_path):
    code = "import genbench, genbench.models, sys; print(genbench.__file__, genbench.models.__file__)"
    places = subprocess.run(
        [fresh, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert all(Path(place).is_relative_to(fresh.parents[1].resolve()) for place in places), places


def test_it_lists_checks_starts_and_runs(fresh, tmp_path):
    assert run(fresh, "--version", cwd=tmp_path) == f"genbench {__version__}\n"
    assert "cfm" in run(fresh, "list", "models", cwd=tmp_path)
    assert "moons" in run(fresh, "list", "datasets", cwd=tmp_path)
    assert "failed" not in run(fresh, "check", "kde", "--fast", cwd=tmp_path).splitlines()[-1].replace("0 failed", "")
    run(fresh, "new", "model", "mine", cwd=tmp_path)
    run(fresh, "new", "project", "zoo_of_mine", cwd=tmp_path)
    table = run(
        fresh,
        "run",
        "--models",
        "kde,gmm,cfm,mine",
        "--plugin",
        "mine.py",
        "--budget",
        "smoke",
        "--quiet",
        cwd=tmp_path,
    )
    assert all(name in table for name in ("oracle", "kde", "gmm", "cfm", "mine"))
    assert (tmp_path / "results" / "moons-smoke" / "leaderboard.md").exists()
    run(fresh, "report", "results/moons-smoke", cwd=tmp_path)
    assert (tmp_path / "results" / "moons-smoke" / "report.html").stat().st_size > 10_000
    assert "@" in run(fresh, "cite", "results/moons-smoke", cwd=tmp_path)
