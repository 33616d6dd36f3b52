"""Metrics that a run was asked for are its columns."""

from dataclasses import replace

import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.contracts.metric import METRICS, register_metric
from genbench.display.chosen_columns import asked_columns
from genbench.display.terminal import board_text
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

SCORES = {"sliced_w2": 0.1, "kl": 0.2, "energy": 0.3, "precision": 0.4, "recall": 0.5}


@pytest.fixture
def board():
    return Leaderboard.of([record(spec(seed=seed, metrics=tuple(SCORES)), metrics=SCORES) for seed in range(2)])


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", ["sliced_w2", "kl"]), ("all", ["sliced_w2", "kl"]), ("cheap", ["sliced_w2", "kl"]),
        ("recall,energy", ["recall", "energy"]), ("energy", ["energy"]), ("all,energy", ["sliced_w2", "kl", "energy"]),
        ("energy,cheap", ["energy", "sliced_w2", "kl"]), ("nowhere", ["sliced_w2", "kl"]), ("kl[", ["sliced_w2", "kl"]),
    ],
)  # fmt: skip
def test_what_is_named_is_a_column(board, asked, shown):
    assert asked_columns(replace(board, asked_metrics=asked), board.rows) == shown


def test_a_family_is_all_that_it_has(board):
    family = METRICS["precision"].family
    found = asked_columns(replace(board, asked_metrics=family), board.rows)
    assert found == [name for name in board.metrics if METRICS[name].family == family]
    assert {"precision", "recall"} <= set(found)


def test_a_metric_of_a_plugin_is_a_column_in_any_case(board, monkeypatch):
    monkeypatch.setattr(METRICS, "cards", dict(METRICS.cards))  # others do not know it

    @register_metric("own_score_of_the_test")
    def own(evidence):
        return 0.0

    trials = [
        record(
            spec(metrics=("sliced_w2", "own_score_of_the_test")),
            metrics={"sliced_w2": 1.0, "own_score_of_the_test": 2.0},
        )
    ]
    mine = Leaderboard.of(trials)
    assert METRICS["own_score_of_the_test"].family == "own"
    assert asked_columns(mine, mine.rows) == ["sliced_w2", "own_score_of_the_test"]


def test_the_latest_request_of_a_run_decides(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    one = record(spec(metrics=tuple(SCORES)), metrics=SCORES)
    store.write(one, None)
    for requests, asked in (
        ([], ""), ([{"command": "x"}], ""), ([{"metrics": "energy"}, {"metrics": "recall"}], "recall"),
        ([{"metrics": "energy"}, {}], ""), ([{"metrics": ["kl"]}], ""),
    ):  # fmt: skip
        store.write_run(RunRecord(name="run", trials=[one.key], requests=requests))
        assert RunData(store.path).leaderboard().asked_metrics == asked
    store.write_run(RunRecord(name="run", trials=[one.key], requests=[{"metrics": "recall"}]))
    text = board_text(RunData(store.path).leaderboard())
    assert "recall" in text
    assert "sliced W2" not in text.partition(": cost")[0].partition("In 2")[0].partition("On d")[0]


def test_print_shows_the_table_without_colours(board, capsys):
    print(board)
    text = capsys.readouterr().out
    assert "d: scores, mean ± half-width" in text
    assert "sliced W2" in text
    assert "\x1b" not in text
