import numpy as np
import pandas as pd
import pytest

import genbench
from genbench.contracts.data_files import located, select_datasets, short_label
from genbench.contracts.dataset import DATASETS, register_dataset
from genbench.contracts.recorded_dataset import RecordedDataset
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover


@register_dataset("tests_h5", family="tests data", variant=True, reads=(".tests_h5",))
class Guest(RecordedDataset):
    """A guest's dataset with files of its own."""

    def __init__(self, path: str, part: str = "all"):
        self.path, self.part, self.shape = path, part, (2,)

    def load(self, rng):
        return np.loadtxt(self.path), None


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with files of all kinds, in which commands are given."""
    discover(groups=("datasets",))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    for folder in ("", "old", "my data, [v1]"):
        (tmp_path / folder).mkdir(exist_ok=True)
        pd.DataFrame(x, columns=["a", "b"]).to_csv(tmp_path / folder / "t.csv", index=False)
    dates = pd.date_range("2020-01-01", periods=200).strftime("%Y-%m-%d")
    pd.DataFrame({"date": dates, "sales": x[:, 0]}).to_csv(tmp_path / "s.csv", index=False)
    np.save(tmp_path / "t.npy", x)
    (tmp_path / "photos").mkdir()
    (tmp_path / "moons").mkdir()
    (tmp_path / "x.tests_h5").write_text("")
    (tmp_path / "x.zip").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chosen(text, **how):
    return [(one.selection.name, dict(one.selection.params)) for one in select_datasets(text, **how)]


@pytest.mark.parametrize(
    ("text", "name", "file"),
    [
        ("t.csv", "csv", "t.csv"),
        ("./t.csv", "csv", "t.csv"),
        ("old/../t.npy", "csv", "t.npy"),
        ('"my data, [v1]/t.csv"', "csv", "my data, [v1]/t.csv"),
        ("s.csv", "series_file", "s.csv"),
        ("photos", "image_folder", "photos"),
        ("photos/", "image_folder", "photos"),
        ("./moons", "image_folder", "moons"),
        ("x.tests_h5", "tests_h5", "x.tests_h5"),
    ],
)
def test_a_path_selects_what_reads_it(here, text, name, file):
    assert chosen(text) == [(name, {"path": str(here / file)})]


def test_names_come_before_files_and_parameters_go_along(here):
    assert chosen("moons,t.csv[label=a,drop=[b]],circles[noise=0.1]") == [
        ("moons", {}),
        ("csv", {"path": str(here / "t.csv"), "label": "a", "drop": ["b"]}),
        ("circles", {"noise": 0.1}),
    ]
    (one,) = select_datasets("t.csv[label=1e5]")
    assert one.selection.params.texts["label"] == "1e5", "what was written is kept for a text parameter"
    assert chosen("series[path=t.csv]") == [("series_file", {"path": "t.csv"})]
    assert {name for name, _ in chosen("series")} >= {"airline", "ar_process"}


def test_the_task_decides_between_readers(here):
    assert chosen("t.csv", kinds=("series",)) == [("series_file", {"path": str(here / "t.csv")})]
    assert chosen("photos", kinds=("series",))[0][0] == "image_folder", "the task says what it lacks"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tt.csv", r"no file 'tt\.csv' in .*; did you mean t\.csv"),
        ("nowhere/t.csv", r"no file 'nowhere/t\.csv': there is no folder .*nowhere"),
        ("~nosuchuser/t.csv", "'~nosuchuser/t.csv': there is no such home folder"),
        ("~a\ud800/t.csv", "there is no such home folder"),
        ("x" * 5000 + ".csv", "no file"),
        ("a\0b.csv", "no file"),
        ("t.foo", r"no file 't\.foo' in"),
        ("C:\\data\\t.csv", "no file"),
        ("x.zip", r"no dataset reads \.zip files such as 'x\.zip'; known are \.csv, .* and folders"),
        ("t.csv[path=t.npy]", "gives two paths"),
        ("moonz", "no dataset 'moonz'; did you mean moons"),
        ("moons[path=t.csv", "left open"),
    ],
)
def test_what_is_no_file_is_said_in_one_line(here, text, message):
    with pytest.raises(GenbenchError, match=message) as caught:
        select_datasets(text)
    assert "\n" not in str(caught.value)


def test_two_datasets_that_read_one_ending_are_both_named(here):
    twin = type("Twin", (Guest,), {})
    try:
        register_dataset("tests_twin", family="tests data", variant=True, reads=(".tests_h5",))(twin)
        with pytest.raises(GenbenchError, match=r"write tests_h5\[path=x.tests_h5\] or tests_twin\[path=x.tests_h5\]"):
            select_datasets("x.tests_h5")
        twin.recognises = classmethod(lambda cls, file: file.name == "x.tests_h5")
        assert chosen("x.tests_h5")[0][0] == "tests_twin"
    finally:
        del DATASETS.cards["tests_twin"]


def test_only_paths_become_absolute(here):
    card = DATASETS["csv"]
    assert located(card, {"path": "t.csv", "label": "t.csv"}) == {"path": str(here / "t.csv"), "label": "t.csv"}
    assert located(DATASETS["moons"], {"noise": 0.1}) == {"noise": 0.1}


def test_labels_are_short():
    assert short_label("old/t.csv[label=a]") == "t.csv[label=a]"
    assert short_label("csv[path=/data/old/t.csv]") == "csv[path=t.csv]"
    assert short_label('"C:\\my data, v1\\t.csv"') == "t.csv"
    assert short_label("moons[noise=0.1]") == "moons[noise=0.1]"


def test_load_dataset_takes_a_path(here):
    table = genbench.load_dataset("t.csv", label=None, drop="b")
    assert (table.shape, table.kind, table.path) == ((1,), "table", str(here / "t.csv"))
    assert genbench.load_dataset("csv", path="old/t.csv").path == str(here / "old" / "t.csv")
    assert genbench.load_dataset("s.csv", length=5).shape == (5,)
