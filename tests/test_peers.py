"""The comparison with peers: what it refuses, and what it makes of a peer that diverged."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def peers():
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("peers", FOLDER / "peers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))
    sys.modules.pop("published_recipes", None)


def test_missing_peers_are_a_request_to_install_them(peers, monkeypatch, capsys):
    monkeypatch.setattr(peers, "_installed", lambda name: False)
    monkeypatch.setattr(sys, "argv", ["peers.py", "--pairs", "spline_flow"])
    assert peers.main() == 2
    said = capsys.readouterr().err
    assert "zuko missing" in said
    assert "pip install -e .[peers]" in said
    assert "--no-deps torchcfm" in said


def fake(sample):
    import published_recipes

    return published_recipes.Trained(sample, None, 1)


def test_a_peer_that_gives_nan_has_diverged_and_gets_no_score(peers, monkeypatch):
    """Ours may not be called better than a score that is not there."""
    import published_recipes

    nothing = lambda x, seconds: fake(lambda n: torch.full((n, 2), torch.nan))  # noqa: E731
    monkeypatch.setitem(published_recipes.RECIPES, "none", nothing)
    course = peers.Course("moons", 0, 2000)
    peer = peers.run_peer("none", course, 1.0)
    assert peer["status"] == "diverged"
    assert peer["excess"] is None
    assert peers._ratio(0.01, peer["excess"]) is None
    assert peers._sooner([{"status": "ok", "seconds": 1, "excess": 0.01}], peer, 20) is None


def test_the_truth_itself_has_no_excess(peers, monkeypatch):
    """A peer that samples the truth is at the floor: its sliced W2 of 0.005 to 0.01 is known to about ± 0.001."""
    import published_recipes

    course = peers.Course("moons", 0, 2000)
    z = torch.tensor(course.units.forward(course.dataset.sample(50_000, seed=7)))
    monkeypatch.setitem(published_recipes.RECIPES, "truth", lambda x, seconds: fake(lambda n: z))
    peer = peers.run_peer("truth", course, 1.0)
    assert abs(peer["excess"]) < 0.006
    assert 0.003 < course.floor < 0.012


def test_sooner_is_the_first_budget_that_reaches_the_peer_in_every_score(peers):
    runs = [
        {"status": "ok", "seconds": s, "excess": e, "kl": k}
        for s, e, k in ((1, 0.3, 0.1), (2, 0.1, 0.4), (10, 0.1, 0.2))
    ]
    assert peers._sooner(runs, {"excess": 0.2, "kl": 0.3}, 20) == 2
    assert peers._sooner(runs, {"excess": 0.2, "kl": None}, 20) == 10
    assert peers._sooner(runs, {"excess": 0.05, "kl": None}, 20) is None


def test_a_run_of_some_pairs_keeps_the_rows_of_the_others(peers, tmp_path):
    file = tmp_path / "peers.json"
    row = {"seed": 0, "data": "moons", "model": "spline_flow", "seconds": 1.0}
    peers.store([row, row | {"data": "checkerboard", "model": "cfm"}], file)
    peers.store([row | {"model": "cfm"}, row | {"seconds": 2.0}], file)
    rows = json.loads(file.read_text())["rows"]
    assert [(r["data"], r["model"], r["seconds"]) for r in rows] == [
        ("moons", "cfm", 1.0),
        ("moons", "spline_flow", 2.0),
        ("checkerboard", "cfm", 1.0),
    ]
    assert all("commit" in r for r in rows)


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{"seed": 0}]}'])
def test_a_file_of_something_else_is_refused_before_anything_is_trained(peers, monkeypatch, tmp_path, capsys, text):
    file = tmp_path / "peers.json"
    file.write_text(text)
    monkeypatch.setattr(peers, "_installed", lambda name: True)
    monkeypatch.setattr(peers, "compare", lambda *request: pytest.fail("trained"))
    monkeypatch.setattr(sys, "argv", ["peers.py", "--out", str(file)])
    assert peers.main() == 2
    assert f"{file} holds no table of peers" in capsys.readouterr().err
    assert file.read_text() == text
