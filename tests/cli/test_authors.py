"""The commands for those who bring their own: new, list, cite, and the columns and rows of leaderboard."""

import json

import pytest
from typer.testing import CliRunner

from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a command in this process and an empty folder; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(app, [str(one) for one in arguments])
        if isinstance(done.exception, GenbenchError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def run(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    trials = [
        record(
            spec(model=model, model_name=model, dataset="moons", dataset_name="moons", seed=seed, metrics=("sliced_w2", "kl", "energy")),
            role="oracle" if model == "oracle" else "model", metrics={"sliced_w2": level + 0.001 * seed, "kl": level, "energy": level},
        )
        for model, level in (("kde", 0.2), ("gmm", 0.4), ("oracle", 0.1))
        for seed in range(2)
    ]  # fmt: skip
    for one in trials:
        store.write(one, None)
    store.write_run(RunRecord(name="run", trials=[one.key for one in trials], requests=[{"metrics": "energy,kl"}]))
    return store.path


def test_new_says_what_it_wrote_and_what_to_type_next(call, tmp_path):
    said = call("new", "metric", "my_gap", "--folder", "some where")
    assert said.splitlines() == [
        "some where/my_gap.py", "some where/test_my_gap.py", "", "Next:",
        "  genbench check 'some where/my_gap.py' --fast",
        "  genbench run --models gmm,gaussian --data moons --metrics my_gap,sliced_w2 --plugin 'some where/my_gap.py'",
        "  python -m pytest 'some where/test_my_gap.py'",
    ]  # fmt: skip
    assert (
        "sklearn" in call("new", "model", "my_mixture", "--kind", "sklearn") + (tmp_path / "my_mixture.py").read_text()
    )
    with pytest.raises(
        GenbenchError, match="--kind numpy is for models, and a dataset has no kind; write: genbench new dataset x"
    ):
        call("new", "dataset", "x", "--kind", "numpy")
    with pytest.raises(GenbenchError, match=r"my_gap.py exists already"):
        call("new", "metric", "my_gap", "--folder", "some where")


def test_list_shows_one_or_those_that_pass(call):
    assert "better:        lower" in call("list", "metrics", "kl")
    named = {
        line.split()[0]
        for line in call("list", "models", "--can", "density", "--kind", "image").splitlines()
        if line.strip()
    }
    assert "kde" in named
    assert "gan" not in named
    with pytest.raises(GenbenchError, match="leave out the name or these options"):
        call("list", "models", "kde", "--can", "density")


def test_cite_prints_or_writes_bibtex(call, run, tmp_path):
    text = call("cite", run)
    assert "% model kde: parzen1962estimation, habbema1974stepwise" in text
    assert "@article{dempster1977maximum," in text
    assert call("cite", run, "--output", "refs.bib") == "refs.bib\n"
    assert (tmp_path / "refs.bib").read_text() == text
    assert call("cite").count("\n@") == 1


def test_what_was_asked_for_is_shown(call, run):
    heading = next(line for line in call("leaderboard", run).splitlines() if "model" in line)
    assert "sliced W2" not in heading
    assert heading.index("energy") < heading.index("KL")
    heading = next(line for line in call("leaderboard", run, "--columns", "sliced_w2").splitlines() if "model" in line)
    assert "sliced W2" in heading


def test_leaderboard_takes_columns_rows_and_a_precision_in_each_format(call, run):
    chosen = ("leaderboard", run, "--columns", "sliced_w2,nfe", "--rows", "gmm,oracle")
    tex = call(*chosen, "--format", "tex", "--precision", "3")
    assert r"gmm & 0.400 $\pm$ 0.006 & -- \\" in tex or r"0.401 $\pm$ 0.006 & -- \\" in tex
    assert "kde &" not in tex
    assert [row["model"] for row in json.loads(call(*chosen, "--format", "json"))] == ["oracle", "gmm"]
    tidy = [line.split(",") for line in call(*chosen, "--format", "tidy").splitlines()]
    assert {(row[1], row[8]) for row in tidy[1:]} == {("gmm", "sliced_w2"), ("oracle", "sliced_w2")}
    assert "0.1 ± 0.1" in call(*chosen, "--precision", "1")
    for wrong, words in (
        (("--format", "csv", "--precision", "2"), "csv has all digits"), (("--precision", "99"), "give one from 0 to 12"),
        (("--columns", "slicd_w2"), "no metric 'slicd_w2' in this run; did you mean sliced_w2"), (("--rows", "kda"), "did you mean kde"),
    ):  # fmt: skip
        with pytest.raises(GenbenchError, match=words):
            call("leaderboard", run, *wrong)


@pytest.mark.parametrize(
    "command", [c for c in app.registered_commands if c.name not in ("trust", "new")], ids=lambda c: c.name
)
def test_each_command_takes_plugins(command):
    """All but those that need none: `trust` is about files that are not imported yet, `new` writes them."""
    import inspect

    assert "plugin" in inspect.signature(command.callback).parameters
