"""Data of a user's own from end to end: in Python, by path, from another folder, moved, changed and gone."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.figures.shared.panels import dataset_of
from genbench.runs.data_in_hand import AskedData
from genbench.runs.plan import make_plan
from genbench.runs.reload import find, reload
from genbench.runs.rescoring import rescore

X = np.random.default_rng(0).normal([1e6, 0], size=(200, 2))
Y = (X[:, 1] > 0).astype(int)
QUICK = {"seeds": 1, "budget": "smoke", "metrics": "sliced_w2,nll", "jobs": 0, "progress": False, "samples": 40}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with a table, in which runs are asked for."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(X, columns=["a", "b"]).to_csv("t.csv", index=False)
    return tmp_path


def run(datasets, models="gaussian", said=None, **more):
    def say(line):
        if said is not None and not line.startswith("plugin "):  # of another test
            said.append(line)

    return genbench.run(models, datasets, say=say, **{**QUICK, **more})


def scores(run, dataset):
    return {t.model: t.metrics for t in run.trials if t.dataset == dataset}


def test_whatever_holds_the_numbers_gives_the_scores_of_the_file(here):
    np.save("x.npy", X)
    expected = scores(run("x.npy"), "x.npy")
    assert expected["gaussian"]["sliced_w2"] > 0
    said = []
    first = run({"mine": X}, said=said)
    assert scores(first, "mine") == expected
    assert said == ["mine: a table of 200 rows and 2 columns"]
    assert [file.suffixes for file in (first.path / "data").iterdir()] == [[".table", ".npz"]]
    for same in (pd.DataFrame(X, columns=["a", "b"]), torch.tensor(X), X.tolist(), np.asfortranarray(X)):
        said.clear()
        assert scores(run({"mine": same}, said=said), "mine") == expected
        assert said[1] == "2 of 2 trials are finished already in results/mine-smoke", "the same data, the same trials"
    said.clear()
    other = run({"mine": X + 1}, said=said)
    assert said[1] == "mine: other data than before under this name; the table shows the new ones"
    assert len(other.trials) == 2
    assert scores(other, "mine") != expected


def test_a_mixture_of_everything(here):
    mixed = [X, "moons[noise=0.2]", {"two": (pd.DataFrame(X), pd.Series(Y))}, genbench.load_dataset("circles", noise=0.1),
             "t.csv[label=none]", (X, Y)]  # fmt: skip
    done = run(mixed, train=100, name="r")
    names = ["data1", "moons[noise=0.2]", "two", "circles[noise=0.1]", "t.csv", "data2"]
    assert list(dict.fromkeys(t.dataset for t in done.trials)) == names
    assert all(t.status == "ok" for t in done.trials), [t.error for t in done.trials]
    assert scores(done, "two") == scores(done, "data2") == scores(done, "t.csv") == scores(done, "data1")
    assert done.record.data["data2"] == ["a table of 200 rows and 2 columns; 2 classes: 0, 1"]


def test_labels_and_series_serve_their_tasks(here):
    by_class = run({"mine": (X, np.where(Y, "up", "down"))}, task="classify", metrics="accuracy")
    assert scores(by_class, "mine")["gaussian"]["accuracy"] > 0.8, "classes are halves of a line"
    wave = np.sin(np.arange(200) / 3) + 0.01 * np.random.default_rng(0).normal(size=200)
    forecast = run({"wave": wave}, "ar_linear[p=2]", task="forecast", metrics="rmse")
    assert scores(forecast, "wave")["ar_linear[p=2]"]["rmse"] < 0.1, "a sine satisfies a linear recursion"


def plain(asked):
    return [getattr(item, "name", item) for item in AskedData.of(asked).items]


def test_what_is_one_set_of_data_and_what_are_several():
    wave = np.arange(50.0)
    assert plain("moons,ring") == ["moons,ring"]
    assert plain(("moons", "ring")) == ["moons", "ring"]
    assert plain(X) == plain(X.tolist()) == plain(list(X)) == plain([tuple(row) for row in X]) == ["data1"]
    assert plain([X, X]) == plain([X.tolist(), X.tolist()]) == plain([wave, wave]) == ["data1", "data2"]
    assert plain((X, Y)) == plain([(X, Y)]) == plain((X.tolist(), list(Y))) == ["data1"]
    assert plain([wave.tolist(), pd.Series(wave), {"b": X, "a": X}]) == ["data1", "data2", "b", "a"]
    assert plain(wave.tolist()) == plain(pd.Series(wave)) == ["data1"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"moons": X}, "'moons' is the name of a dataset of genbench; give your data another name"),
        ({"Series": X}, "'Series' is the name of several datasets"),
        ({"all": X}, "'all' is the name of"),
        ([{"a": X}, {"a": X}], "two data sets are called 'a'"),
        ([{"t.csv": X}, "t.csv"], r"two data sets are called t\.csv"),
        ({1: X}, "1 cannot be a name of data"),
        ({"a": "moons"}, "'a' is the name of str, not of data"),
        (X * 1j, "data1 holds complex"),
        ([X, X[:3]], "data2 has 3 points, too few"),
        ((X, Y[:7]), r"labels have the shape \(7,\), not \(200,\)"),
        (None, "datasets cannot be NoneType"),
        (np.array(3.0), "data1 is a single number"),
        ([], "an empty list"),
        (genbench.Dataset(), "Dataset is not registered"),
    ],
)
def test_wrong_data_are_refused_before_anything_runs(here, asked, message):
    with pytest.raises(GenbenchError, match=message) as caught:
        run(asked)
    assert "\n" not in str(caught.value)
    assert not (here / "results").exists()


def test_a_wrong_model_leaves_no_data_behind(here):
    run({"mine": X})
    before = sorted((here / "results").rglob("*"))
    with pytest.raises(GenbenchError, match="no model 'nope'"):
        run({"mine": X + 1}, "nope")
    with pytest.raises(GenbenchError, match="no model 'nope'"):
        run({"other": X}, "nope")
    assert sorted((here / "results").rglob("*")) == before


def test_a_dataset_that_was_changed_by_hand_is_refused(here):
    moons = genbench.load_dataset("moons", noise=0.2)
    assert make_plan("gaussian", AskedData.of(moons).items).trials[0].dataset == "moons[noise=0.2]"
    by_class = type(moons)(noise=0.3)
    assert make_plan("gaussian", AskedData.of(by_class).items).trials[0].dataset == "moons[noise=0.3]"
    shapes = genbench.load_dataset("toy_images", shape="moons", size=8)
    assert AskedData.of(shapes).text == "toy_images[shape=moons,size=8]"
    moons.noise = 0.5
    with pytest.raises(GenbenchError, match="'noise' of this moons is not what it was created with"):
        AskedData.of(moons)


def test_a_relative_path_is_found_from_any_folder(here, monkeypatch):
    done = run("t.csv", "gaussian,memoriser", results=here / "results", name="r")
    assert {t.dataset for t in done.trials} == {"t.csv"}, "the label is short"
    assert {t.spec.dataset_params["path"] for t in done.trials} == {str(here / "t.csv")}
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    said = []
    run("../t.csv", "gaussian,memoriser", results=here / "results", name="r", said=said)
    assert said[-1].startswith("3 of 3 trials are finished already"), said
    again = genbench.load_run(here / "results" / "r")
    assert dataset_of(again.trials[0]).shape == (2,), "figures find it"
    report = rescore(again, metrics="w2", jobs=0, progress=False)
    assert report.kept == []
    scored = genbench.load_run(here / "results" / "r")
    assert {t.dataset for t in scored.trials} == {"t.csv"}
    assert all(t.metrics["w2"] > 0 for t in scored.trials)
    drawn = reload(find(again, "gaussian", "../t.csv"))
    assert drawn.sample(3).shape == (3, 2)


def test_two_files_of_one_name_are_told_apart(here):
    (here / "old").mkdir()
    pd.DataFrame(X + 1).to_csv("old/t.csv", index=False)
    plan = make_plan("gaussian", "t.csv,./old/t.csv,old/../t.csv")
    assert list(dict.fromkeys(t.dataset for t in plan.trials)) == [f"{here.name}/t.csv", "old/t.csv"]
    assert {t.dataset for t in make_plan("gaussian", "csv[path=old/t.csv]").trials} == {"csv[path=t.csv]"}


def test_a_file_may_move_but_not_change(here):
    run("t.csv", name="r")
    (here / "new").mkdir()
    shutil.move("t.csv", "new/t.csv")
    stored = genbench.load_run("results/r")
    with pytest.raises(
        GenbenchError, match=r"t\.csv: .*/t\.csv no longer exists; put it back, or run again with its new"
    ):
        reload(find(stored, "gaussian"))
    said = []
    run("new/t.csv", name="r", said=said)
    assert said[-1].startswith("2 of 2 trials are finished already")
    stored = genbench.load_run("results/r")
    assert {t.spec.dataset_params["path"] for t in stored.trials} == {str(here / "new" / "t.csv")}
    assert reload(find(stored, "gaussian")).sample(3).shape == (3, 2)
    assert rescore(stored, metrics="w2", jobs=0, progress=False).kept == []
    pd.DataFrame(X + 1, columns=["a", "b"]).to_csv("new/t.csv", index=False)
    with pytest.raises(GenbenchError, match=r"new/t\.csv has changed since; put the old file back, or run again"):
        reload(find(stored, "gaussian"))
    (line, *_) = rescore(stored, metrics="nll", jobs=0, progress=False).kept
    assert "new/t.csv has changed" in line


def test_a_moved_run_takes_its_data_in_hand_along(here):
    run({"mine": X}, name="r")
    shutil.move("results/r", "kept")
    stored = genbench.load_run("kept")
    assert reload(find(stored, "gaussian", "mine")).sample(3).shape == (3, 2)
    assert rescore(stored, metrics="w2", jobs=0, progress=False).kept == []
    shutil.rmtree("kept/data")
    with pytest.raises(GenbenchError, match="mine: .* no longer exists"):
        reload(find(genbench.load_run("kept"), "gaussian", "mine"))
