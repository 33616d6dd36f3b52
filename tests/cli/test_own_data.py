"""Data of a user's own on the command line, which is called in this process."""

import sys

import pandas as pd
import pytest
from numpy.random import default_rng

from genbench.cli.main import main

X = default_rng(0).normal(size=(200, 2))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two tables of one name, in which commands are given."""
    inner = tmp_path / "my data, v1"
    inner.mkdir()
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame.assign(kind=["u", "v"] * 100, id=range(200)).to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(inner / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(monkeypatch, capsys):
    """Give a command; returns its exit code, what it printed, and what it said."""

    def give(*arguments):
        monkeypatch.setattr(sys, "argv", ["genbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return give


def test_paths_with_parameters_and_quotes(here, call, monkeypatch):
    asked = 't.csv[label=kind,drop=[id]],"my data, v1/t.csv",csv[path="my data, v1/t.csv",columns=[b]]'
    smoke = ("--seeds", "1", "--budget", "smoke", "--metrics", "sliced_w2", "--jobs", "0")
    options = ("--models", "gaussian", "--name", "r", "--results", str(here / "results"), "-q", *smoke)
    code, printed, said = call("run", "--data", asked, *options)
    inner = '"my data, v1/t.csv"'
    for label in (f"{here.name}/t.csv[drop=[id],label=kind]", inner, f"csv[columns=[b],path={inner}]"):
        assert f"genbench: {label}: headings 'a', 'b'" in said, said
    assert code == 0
    assert "sliced W2" in printed
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    asked = asked.replace("my data", "../my data").replace("t.csv[l", "../t.csv[l")
    code, printed, _ = call("run", "--data", asked, "--why", *options)
    assert printed == "0 of 6 trials would run\n", "paths from another folder, the same trials"


def test_a_file_that_is_not_there(here, call):
    code, _, said = call("run", "--models", "gaussian", "--data", "tt.csv")
    assert (code, said) == (2, f"genbench: error: no file 'tt.csv' in {here}; did you mean t.csv?\n")
