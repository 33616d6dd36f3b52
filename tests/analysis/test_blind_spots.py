"""Which metrics see in which dimension, and what a table is sorted by because of that."""

import json

import pytest

from genbench.analysis import blind_spots
from genbench.analysis.leaderboard import Leaderboard
from genbench.display.export import render
from genbench.display.formatting import blind_line, order_line
from trial_records import record, spec

MEASURED = {
    2: {"sliced_w2": {"deviations": 90.0, "times": 9.0}, "ksd": {"deviations": 70.0}},
    64: {
        "sliced_w2": {"deviations": 9.0, "times": 1.1}, "ksd": {"deviations": 40.0}, "energy": {"deviations": 4.9},
        "typicality": {"deviations": 5.0, "times": 1.5},
    },
}  # fmt: skip
FEWER = {2: {"sliced_w2": {"deviations": 4.0, "times": 4.0}}}


@pytest.fixture
def measured(monkeypatch):
    """Scores that are as if they had been measured."""
    monkeypatch.setattr(blind_spots, "_measured", lambda: {5_000: FEWER, 50_000: MEASURED})


def trials(dataset, dim, **scores):
    """Two models with each metric, of which the second is better in the first metric alone."""
    return [
        record(spec(model=model, model_name=model, dataset=dataset, seed=seed, protocol={"samples": 50_000}), dim=dim, metrics={
            name: value + place * (0.1 if k else -0.1) + 0.001 * seed for k, (name, value) in enumerate(scores.items())
        })
        for place, model in enumerate(("a", "b"))
        for seed in range(3)
    ]  # fmt: skip


def test_the_nearest_dimension_counts_by_its_logarithm(measured):
    assert not blind_spots.is_blind("sliced_w2", 11, 50_000), "11 / 2 < 64 / 11"
    assert blind_spots.is_blind("sliced_w2", 12, 50_000)
    assert blind_spots.is_blind("sliced_w2", 256, 50_000), "nine standard deviations are 1.1 times"
    assert blind_spots.is_blind("energy", 64, 50_000)
    assert blind_spots.is_blind("sliced_w2", 2, 15_000), "15 / 5 < 50 / 15"
    assert not blind_spots.is_blind("sliced_w2", 2, 16_000)
    assert not blind_spots.is_blind("typicality", 64, 50_000), "five standard deviations and 1.5 times are enough"
    assert not blind_spots.is_blind("somebody_elses", 64, 50_000), "nothing is known"
    assert not blind_spots.is_blind("sliced_w2", None, 50_000)


def test_a_table_is_sorted_by_the_first_metric_that_sees(measured):
    board = Leaderboard.of([*trials("plane", 2, sliced_w2=1.0, ksd=1.0), *trials("space", 64, sliced_w2=1.0, ksd=1.0)])
    assert [(row.dataset, row.model) for row in board.rows] == [
        ("plane", "b"), ("plane", "a"), ("space", "a"), ("space", "b"),
    ]  # fmt: skip
    assert (board.sorted_by("plane"), board.sorted_by("space")) == ("sliced_w2", "ksd")
    assert "Each table is sorted by the first metric" in order_line(board)
    text = render(board, "md")
    assert (
        "In 64 dimensions, a model that has only the margins and correlations right scores nearly as well as the truth "
        "in sliced W2." in text
    )
    assert "In 2 dimensions" not in text


def test_what_the_user_asks_for_goes_before(measured):
    board = Leaderboard.of(trials("space", 64, sliced_w2=1.0, ksd=1.0), "sliced_w2")
    assert [row.model for row in board.rows] == ["b", "a"]
    assert order_line(board) == "Sorted by sliced_w2 (▲)."
    assert blind_line(board, "space", ["sliced_w2", "ksd"])
    by_itself = Leaderboard.of(trials("space", 64, sliced_w2=1.0, ksd=1.0))
    assert order_line(by_itself) == "Sorted by ksd (▲), the first that sees how coordinates depend on each other."


def test_where_none_sees_the_first_one_stays(measured):
    assert Leaderboard.of(trials("space", 64, sliced_w2=1.0)).sorted_by("space") == "sliced_w2"


def test_what_was_measured_is_at_hand():
    """The file that comes with genbench: the plane is seen, and in 64 dimensions projections at random see nothing."""
    found = json.loads(blind_spots.MEASURED.read_text())
    sizes = {(n, dim) for n, by_dim in found["measured"].items() for dim in by_dim}
    assert sizes == {(n, dim) for n in ("5000", "50000") for dim in ("2", "16", "64")}
    assert not blind_spots.is_blind("sliced_w2", 2, 50_000)
    assert blind_spots.is_blind("sliced_w2", 64, 50_000)
    for name in ("ksd", "typicality", "typicality_ks"):
        assert all(
            scores[name]["deviations"] > 20 for by_dim in found["measured"].values() for scores in by_dim.values()
        )
