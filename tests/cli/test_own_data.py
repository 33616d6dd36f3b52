"""Data of a user's own on the command line."""

import pandas as pd
import pytest
from numpy.random import default_rng

X = default_rng(0).normal(size=(200, 2))


@pytest.fixture
def here(tmp_path):
    (tmp_path / "my data, v1").mkdir()
    pd.DataFrame(X, columns=["a", "b"]).assign(kind=["u", "v"] * 100, id=range(200)).to_csv(
        tmp_path / "t.csv", index=False
    )
    pd.DataFrame(X, columns=["a", "b"]).to_csv(tmp_path / "my data, v1" / "t.csv", index=False)
    return tmp_path


def test_paths_with_parameters_and_quotes(here, genbench_cli):
    asked = 't.csv[label=kind,drop=[id]],"my data, v1/t.csv",csv[path="my data, v1/t.csv",columns=[b]]'
    budget = ("--seeds", "1", "--budget", "smoke", "--metrics", "sliced_w2", "--jobs", "0")
    options = ("--models", "gaussian", "--name", "r", "-q", *budget)
    done = genbench_cli("run", "--data", asked, *options)
    inner = '"my data, v1/t.csv"'
    for label in (f"{here.name}/t.csv[drop=[id],label=kind]: ", f"{inner}: ", f"csv[columns=[b],path={inner}]: "):
        assert f"genbench: {label}" in done.stderr, done.stderr
    assert "sliced W2" in done.stdout
    (here / "elsewhere").mkdir()
    asked = asked.replace("my data", "../my data").replace("t.csv[l", "../t.csv[l")
    why = genbench_cli("run", "--data", asked, "--results", "../results", "--why", *options, cwd=here / "elsewhere")
    assert why.stdout.endswith("0 of 6 trials would run\n"), "paths from another folder, the same trials"


def test_a_file_that_is_not_there(here, genbench_cli):
    done = genbench_cli("run", "--models", "gaussian", "--data", "tt.csv", check=2)
    assert done.stderr.splitlines() == [f"genbench: error: no file 'tt.csv' in {here}; did you mean t.csv?"]
