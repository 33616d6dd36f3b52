"""The comparison with peers: what it refuses, and what it makes of a peer that diverged."""

import importlib
import json
import sys

import numpy as np
import pytest

import genbench
from benchmark_scripts import script
from genbench import Model, register_model
from genbench.core import libraries


@pytest.fixture(scope="module")
def peers():
    with script("peers", "peers_table") as module:
        yield module


@pytest.fixture(scope="module")
def table(peers):
    return importlib.import_module("peers_table")


def test_missing_peers_are_a_request_to_install_them(peers, monkeypatch, capsys):
    monkeypatch.setattr(libraries, "_found", lambda module: False)
    monkeypatch.setattr(sys, "argv", ["peers.py", "--pairs", "spline_flow"])
    assert peers.main() == 2
    assert capsys.readouterr().err == (
        'peers: zuko_nsf needs zuko, which is not installed: pip install "genbench[peers]"\n'
    )


class Fake(Model):
    def fit(self, x):
        pass


@register_model("tests_nothing", family="tests", variant=True)
class Nothing(Fake):
    """Samples NaN."""

    def sample(self, n):
        return np.full((n, 2), np.nan)


@register_model("tests_truth", family="tests", variant=True, standardise=False)
class Truth(Fake):
    """Samples two moons."""

    def sample(self, n):
        return genbench.load_dataset("moons").sample(n, seed=np.random.randint(2**31))


def test_a_peer_that_gives_nan_has_diverged_and_gets_no_score(peers, table):
    """Ours may not be called better than a score that is not there."""
    peer = {"recipe": "none"} | peers.run("tests_nothing", peers.Course("moons", 0, 2000), 1.0)
    assert peer["status"] == "diverged"
    assert peer["excess"] is None
    (row,) = table.means([pair([(1, 0.01, 0.01)]) | {"peer": peer}])
    assert row["ratio"] == {"excess": None, "kl": None}
    assert row["sooner"] is None


def test_the_truth_itself_has_no_excess(peers):
    """A peer that samples the truth is at the floor: its sliced W2 of 0.005 to 0.01 is known to about ± 0.001."""
    course = peers.Course("moons", 0, 2000)
    peer = peers.run("tests_truth", course, 1.0)
    assert abs(peer["excess"]) < 0.006
    assert 0.003 < course.floor < 0.012


def pair(runs, excess=0.2, kl=None, seed=0, status="ok"):
    """Return a row whose trainings of ours have these seconds, excesses and KLs."""
    ours = [{"status": "ok", "seconds": s, "excess": e, "kl": k} for s, e, k in runs]
    peer = {"status": status, "recipe": "a peer", "excess": excess, "kl": kl}
    facts = {"model": "cfm", "data": "moons", "seed": seed, "seconds": 20.0, "train": 100, "floor": 0.01, "goal": 0.5}
    return facts | {"peer": peer, "ours": ours}


@pytest.mark.parametrize(("excess", "kl", "sooner"), [(0.2, 0.3, 2), (0.2, None, 10), (0.05, None, None)])
def test_sooner_is_the_first_budget_that_reaches_the_peer_in_every_score(table, excess, kl, sooner):
    (row,) = table.means([pair([(1, 0.3, 0.1), (2, 0.1, 0.4), (10, 0.1, 0.2)], excess, kl)])
    assert row["sooner"] == sooner


def test_seeds_are_averaged_before_ratios_are_taken(table, capsys):
    """Excesses 0.1 and 0.3 beside 0.4 and 1.2: means 0.2 ± 0.1 and 0.8 ± 0.4, by hand; a third seed diverged."""
    rows = [pair([(10, 0.1, None)], 0.4), pair([(10, 0.3, None)], 1.2, seed=1)]
    rows.append(pair([(10, 9.0, None)], None, seed=2, status="diverged"))
    (row,) = table.means(rows)
    assert row["ours"][0]["excess"] == pytest.approx((0.2, 0.1))
    assert row["peer"]["excess"] == pytest.approx((0.8, 0.4))
    assert row["ratio"]["excess"] == pytest.approx(0.25)
    assert (row["seeds"], row["diverged"], row["sooner"]) == (2, 1, 2)
    table.show(rows)
    said = capsys.readouterr().out
    assert "0.2000±0.1000" in said
    assert "the peer diverged in 1 more" in said
    table.show([pair([(10, None, None)])])
    assert "diverged" in capsys.readouterr().out
    assert "1 of 1 ratios within their goal; 0 of 1 at least 10 times sooner" in said


def test_rows_of_other_seconds_are_not_averaged(table):
    rows = [pair([(10, 0.1, None)]), pair([(5, 0.3, None)], seed=1) | {"seconds": 10.0}]
    assert [(row["seconds"], row["seeds"]) for row in table.means(rows)] == [(10.0, 1), (20.0, 1)]


def test_a_table_that_was_kept_is_printed_again(peers, table, monkeypatch, tmp_path, capsys):
    file = tmp_path / "peers.json"
    table.store([pair([(10, 0.1, 0.2)], 0.4, 0.8)], file, ["zuko"])
    monkeypatch.setattr(peers, "compare", lambda *request: pytest.fail("trained"))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--show", str(file)])
    assert peers.main() == 0
    assert "2 of 2 ratios within their goal" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["peers.py", "--show", str(tmp_path / "none.json")])
    assert peers.main() == 2
    assert "none.json is not there" in capsys.readouterr().err
    file.write_text('{"rows": [{"seed": 0, "data": "moons", "model": "cfm", "seconds": 1, "train": 9}]}')
    monkeypatch.setattr(sys, "argv", ["peers.py", "--show", str(file)])
    assert peers.main() == 2
    assert "holds no table of peers" in capsys.readouterr().err


def test_a_run_of_some_pairs_keeps_the_rows_of_the_others(table, tmp_path):
    file = tmp_path / "peers.json"
    row = pair([(1, 0.1, 0.2)]) | {"model": "spline_flow", "seconds": 1.0}
    table.store([row, row | {"data": "checkerboard", "model": "cfm"}], file, [])
    table.store([row | {"model": "cfm"}, row | {"seconds": 2.0}, row | {"floor": 0.02}], file, [])
    rows = json.loads(file.read_text())["rows"]
    assert [(r["data"], r["model"], r["seconds"]) for r in rows] == [
        ("checkerboard", "cfm", 1.0),
        ("moons", "cfm", 1.0),
        ("moons", "spline_flow", 1.0),
        ("moons", "spline_flow", 2.0),
    ]
    assert [r["floor"] for r in rows] == [0.01, 0.01, 0.02, 0.01]
    assert all("commit" in r for r in rows)


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{"seed": 0}]}'])
def test_a_file_of_something_else_is_refused_before_anything_is_trained(peers, monkeypatch, tmp_path, capsys, text):
    file = tmp_path / "peers.json"
    file.write_text(text)
    monkeypatch.setattr(libraries, "_found", lambda module: True)
    monkeypatch.setattr(peers, "compare", lambda *request: pytest.fail("trained"))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--out", str(file)])
    assert peers.main() == 2
    assert f"{file} holds no table of peers" in capsys.readouterr().err
    assert file.read_text() == text
