"""What `genbench new` writes runs at once, and its own tests pass on it and fail on what is wrong."""

import ast
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

import genbench
from genbench.authoring.starting_files import KINDS, start, write
from genbench.contracts.metric import METRICS
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover

LONGEST = 45  # lines of a file with its heading; about 30 of them are code


def written(what, name, folder, kind="torch"):
    made = start(what, name, folder, kind)
    write(made.files)
    return made


def own_tests(file):
    """Import a file of tests, and return its tests by name."""
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def passed(file, tmp_path):
    """Run the tests of a file in this process, and return the names of those that were not skipped."""
    names = []
    for name, test in own_tests(file).items():
        try:
            test(**{"tmp_path": tmp_path / name} if inspect.signature(test).parameters else {})
            names.append(name)
        except pytest.skip.Exception:
            pass
    return names


def lines_of_code(text):
    """Return the number of lines that are neither empty, nor comments, nor docstrings."""
    tree = ast.parse(text)
    docstrings = [
        node.body[0] for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    ]  # fmt: skip
    inside = {line for each in docstrings for line in range(each.lineno, each.end_lineno + 1)}
    lines = enumerate(text.splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in inside for n, line in lines)


@pytest.mark.parametrize(
    ("what", "kind"), [*(("model", kind) for kind in KINDS), ("dataset", "torch"), ("metric", "torch")]
)
def test_a_file_is_short_and_has_its_name_everywhere(what, kind, tmp_path):
    code, tests = start(what, "nice_thing", tmp_path, kind).files.items()
    assert (code[0].name, tests[0].name) == ("nice_thing.py", "test_nice_thing.py")
    assert len(code[1].splitlines()) <= LONGEST
    assert lines_of_code(code[1]) <= 32
    for text in (code[1], tests[1]):
        assert "nice_thing" in text
        assert not {"my_model", "my_data", "my_metric", "MyModel", "MyData"} & set(ast.dump(ast.parse(text)).split("'"))
        compile(text, "x", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numpy", "sklearn"])
def test_a_model_of_arrays_passes_its_tests(kind, tmp_path):
    made = written("model", f"own_{kind}", tmp_path, kind)
    assert passed(tmp_path / f"test_own_{kind}.py", tmp_path) == [
        "test_it_is_better_than_a_gaussian", "test_the_same_seed_gives_the_same_samples", "test_its_density_integrates_to_one",
    ]  # fmt: skip
    assert made.commands == (
        f"genbench check {tmp_path}/own_{kind}.py --fast",
        f"genbench run --models own_{kind},gaussian --data moons --plugin {tmp_path}/own_{kind}.py",
        f"python -m pytest {tmp_path}/test_own_{kind}.py",
    )


@pytest.mark.slow
def test_a_model_of_torch_passes_its_tests(tmp_path):
    written("model", "own_torch", tmp_path)
    assert len(passed(tmp_path / "test_own_torch.py", tmp_path)) == 2, "it has no density to test"


def test_a_model_of_torch_learns(tmp_path):
    written("model", "own_flow", tmp_path)
    x = genbench.load_dataset("moons").sample(500)
    model = genbench.load_model("own_flow", plugins=[str(tmp_path / "own_flow.py")], hidden=32).fit(x, budget="300")
    losses = [row["loss"] for row in model.history.rows if "loss" in row]
    assert model.sample(20, seed=1).shape == (20, 2)
    assert np.isfinite(model.sample(20, seed=1)).all()
    assert np.mean(losses[-50:]) < 0.8 * np.mean(losses[:5])


def test_a_dataset_passes_its_tests(tmp_path):
    written("dataset", "own_data", tmp_path)
    assert len(passed(tmp_path / "test_own_data.py", tmp_path)) == 2


@pytest.mark.slow
def test_a_metric_passes_its_tests(tmp_path):
    written("metric", "own_score", tmp_path)
    assert len(passed(tmp_path / "test_own_score.py", tmp_path)) == 1


def test_a_metric_is_the_distance_that_it_says(tmp_path):
    """A shift by 0.3 of every coordinate is a distance of 0.3 between the quantiles."""
    written("metric", "own_metric", tmp_path)
    discover((str(tmp_path / "own_metric.py"),))
    card = METRICS["own_metric"]
    assert (card.label, card.family, card.unit) == ("own metric", "own", "data units")
    x = genbench.load_dataset("moons").reference(6_000, 0)
    evidence = genbench.Evidence(genbench.load_dataset("moons"), x + 0.3, x, None, seed=0)
    score = card.factory(evidence)
    assert score.value == pytest.approx(0.3, abs=0.02), "sets of 1,500 differ from the truth by less"
    assert 0 < score.standard_error < 0.02


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ("return np.asarray(logsumexp(exponents, axis=1)", "test_its_density_integrates_to_one"),
        pytest.param("chosen + self.width", "test_it_is_better_than_a_gaussian", marks=pytest.mark.slow),
        ("np.random.permutation(x)", "test_the_same_seed_gives_the_same_samples"),
    ],
)
def test_the_tests_of_a_model_find_what_is_wrong(broken, name, tmp_path):
    written("model", f"own_{name}", tmp_path, "numpy")
    wrong = {
        "return np.asarray(logsumexp(exponents, axis=1)": "return np.asarray(0.1 + logsumexp(exponents, axis=1)",
        "chosen + self.width": "0 * chosen + self.width",
        "np.random.permutation(x)": "np.random.default_rng().permutation(x)",
    }
    file = tmp_path / f"own_{name}.py"
    text = file.read_text()
    assert text.count(broken) == 1
    file.write_text(text.replace(broken, wrong[broken]))
    test = own_tests(tmp_path / f"test_own_{name}.py")[name]
    with pytest.raises(AssertionError):
        test(**{"tmp_path": tmp_path / "run"} if inspect.signature(test).parameters else {})


def test_nothing_is_overwritten(tmp_path):
    """Where one of the files is there, none is written; a link that leads nowhere is there, too."""
    (tmp_path / "test_mine.py").write_text("precious")
    with pytest.raises(GenbenchError, match=r"test_mine.py exists already and is not overwritten"):
        written("model", "mine", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["test_mine.py"]
    assert (tmp_path / "test_mine.py").read_text() == "precious"
    (tmp_path / "other.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(GenbenchError, match=r"other.py exists already"):
        written("metric", "other", tmp_path)
    (tmp_path / "zoo").mkdir()
    with pytest.raises(GenbenchError, match=r"zoo exists already"):
        written("project", "zoo", tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GenbenchError, match="cannot write .*; choose another --folder"):
        written("model", "mine", tmp_path / "file")


def test_a_project_is_whole(tmp_path):
    made = start("project", "own_zoo", tmp_path, "numpy")
    names = {str(path.relative_to(tmp_path / "own_zoo")) for path in made.files}
    assert names == {
        "pyproject.toml", "README.md", ".github/workflows/test.yml", "src/own_zoo/__init__.py",
        *(f"src/own_zoo/{each}.py" for each in ("model", "data", "metric")),
        *(f"tests/test_{each}.py" for each in ("model", "data", "metric")),
    }  # fmt: skip
    settings = tomllib.loads(made.files[tmp_path / "own_zoo" / "pyproject.toml"])
    points = settings["project"]["entry-points"]
    assert points == {
        "genbench.models": {"own_zoo_model": "own_zoo.model"},
        "genbench.datasets": {"own_zoo_data": "own_zoo.data"},
        "genbench.metrics": {"own_zoo_metric": "own_zoo.metric"},
    }
    for path, text in made.files.items():
        assert "my_" not in text.replace("`my_", ""), path
        assert "--plugin own_zoo" not in text
        if path.suffix == ".py":
            compile(text, str(path), "exec")
            assert "with_name" not in text
    ci = made.files[tmp_path / "own_zoo" / ".github" / "workflows" / "test.yml"]
    for words in (
        "actions/checkout",
        'pip install -e ".[test]"',
        "genbench check own_zoo_model own_zoo_data own_zoo_metric",
        "python -m pytest",
        "genbench run --models own_zoo_model",
        "PIP_EXTRA_INDEX_URL: ${{ vars.PIP_EXTRA_INDEX_URL }}",
    ):
        assert words in ci
    assert "index-url" not in ci
    assert re.findall(r"https?://[\w.]+", ci) == [], "no address of an index"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "kind"), [*(("model", kind) for kind in KINDS), ("dataset", "torch"), ("metric", "torch")]
)
def test_a_file_keeps_its_contract(what, kind, tmp_path, genbench_cli):
    made = written(what, f"kept_{what}_{kind}", tmp_path, kind)
    assert " 0 failed" in genbench_cli(*made.commands[0].split()[1:]).stdout


@pytest.mark.slow
def test_a_project_is_found_by_its_entry_points(tmp_path):
    """Its metadata stand where an installation puts them, and its own tests find all three without a file's name."""
    written("project", "own_pack", tmp_path, "numpy")
    root = tmp_path / "own_pack"
    info = root / "src" / "own_pack-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own_pack\nVersion: 0.1.0\n")
    points = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=root, capture_output=True, text=True,
        check=False, timeout=300, env={**os.environ, "PYTHONPATH": str(root / "src")},
    )  # fmt: skip
    assert "6 passed" in done.stdout, done.stdout + done.stderr
