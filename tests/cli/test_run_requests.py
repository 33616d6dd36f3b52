"""`genbench run` by an experiment file, and by what a run's record says; nothing that either names is executed."""

import json

import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.storage.records import RunRecord
from genbench.storage.store import Store

ASKED = ["--models", "gaussian", "--data", "moons", "--seeds", "2", "--samples", "100", "--metrics", "sliced_w2"]


def call(*words, code=0):
    done = CliRunner().invoke(app, ["run", *map(str, words)])
    if isinstance(done.exception, GenbenchError):
        raise done.exception
    assert done.exit_code == code, done.output + str(done.exception)
    return done.output


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recorded(folder, *commands):
    store = Store(folder)
    store.create()
    store.write_run(RunRecord(name=folder.name, requests=[{"command": command} for command in commands]))
    return folder


def test_what_is_saved_asks_for_the_same_trials(here):
    first = call(*ASKED, "--why", "--save-config", "e.toml")
    assert first.endswith("4 of 4 trials would run\n")
    assert call("e.toml", "--why") == first
    more = call("e.toml", "--why", "--seeds", "3", "--models", "gaussian,gmm")
    assert more.endswith("9 of 9 trials would run\n"), "what is typed comes before the file"
    with pytest.raises(GenbenchError, match="exists already and is not overwritten"):
        call("--models", "gmm", "--why", "--save-config", "e.toml")


def test_a_run_is_asked_again_for_what_it_was_asked_for(here):
    run = recorded(
        here / "results" / "mine", ["genbench", "run", *ASKED, "--name", "other", "--results", "/nowhere", "--retry-failed"],
        "genbench rescore results/mine --metrics all", ["genbench", "run", "--models", "gmm", "--seeds", "1"],
    )  # fmt: skip
    out = call(run, "--again", "--why")
    assert "4 of 4 trials would run" in out
    assert "gmm on moons, seed 0: no result yet" in out
    assert "2 of 2 trials would run" in out
    assert "not run again: genbench rescore results/mine --metrics all" in out
    assert "6 of 6 trials would run" in call(run, "--again", "--why", "--name", "elsewhere", "--seeds", "3")


def test_a_record_has_no_code_run_and_no_cluster_joined(here):
    plugin = here / "evil.py"
    plugin.write_text(f"open({str(here / 'ran')!r}, 'w').close()\n")
    run = recorded(here / "r", ["genbench", "run", *ASKED, "--plugin", str(plugin), "--dask", "tcp://evil:1"])
    with pytest.raises(GenbenchError, match="was run with plugins: if you trust .*evil.py, add --plugin"):
        call(run, "--again", "--why")
    assert not (here / "ran").exists()
    out = call(run, "--again", "--why", "--plugin", plugin)
    assert (here / "ran").exists()
    assert "type --dask ADDRESS to use one again" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.toml"], "there is no file gone.toml; give an experiment file"),
        (["--again"], "needs the folder of a run; write: genbench run"),
        (["run"], "a run's folder; add --again to run it again"),
        (["empty", "--again"], "does not say which `genbench run` made it"),
        (["two.toml", "--name", "x"], "asks for 2 runs, which cannot all have --name x"),
        (["two.toml", "--save-config", "y.toml"], "2 runs are requested, and --save-config writes one"),
        (["two.toml", "--sort", "w3"], "cannot sort by 'w3'"),
    ],
)
def test_what_is_no_source_is_told(here, words, message):
    recorded(here / "run", ["genbench", "run", *ASKED])
    recorded(here / "empty")
    (here / "two.toml").write_text('models = "gaussian"\nbudget = ["smoke", "quick"]\n')
    with pytest.raises(GenbenchError, match=message):
        call(*words)


@pytest.mark.slow
def test_a_file_runs_and_its_record_says_what_it_asked_for(here):
    (here / "e.toml").write_text(
        'models = ["gaussian"]\nseeds = 1\nbudget = ["smoke", 3]\nsamples = 100\nmetrics = "sliced_w2"\n[executor]\njobs = 0\n'
    )
    out = call("e.toml", "-q")
    assert out.count("results/e-") >= 2
    for name in ("e-smoke", "e-3"):
        command = json.loads((here / "results" / name / "run.json").read_text())["requests"][0]["command"]
        assert command[:4] == ["genbench", "run", "--models", "gaussian"]
        assert len(genbench.load_run(here / "results" / name).trials) == 2
        assert "0 of 2 trials would run" in call(f"results/{name}", "--again", "--why")
