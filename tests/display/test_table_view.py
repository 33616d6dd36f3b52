"""The cells of a table, before any format writes them."""

import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.display.table_view import board_view
from genbench.storage.evaluation import Flag
from trial_records import record, spec

SCORES = {"first": (0.10, 0.12), "second": (0.14, 0.11), "third": (0.90, 0.91), "oracle": (0.05, 0.05)}


@pytest.fixture
def table():
    trials = [
        record(
            spec(model=model, dataset="d", seed=seed),
            role="oracle" if model == "oracle" else "model",
            metrics={"w2": value, "kl": 0.1},
            flags=[Flag(metric="w2", text=f"w2 is {value}")] if model == "third" else [],
        )
        for model, values in SCORES.items()
        for seed, value in enumerate(values)
    ]
    (found,) = board_view(Leaderboard.of(trials, "w2")).tables
    return found


def test_a_format_chooses_columns_by_kind(table):
    part = table.select("family", "score", "model")
    assert [column.kind for column in part.columns] == ["family", "score", "score", "model"]
    assert all(len(row.cells) == 4 and row.cells[-1].text == row.model for row in part.rows)


def test_a_score_has_its_mark_and_stands_beside_the_oracle(table):
    part = table.select("score")
    column = next(i for i, column in enumerate(part.columns) if column.name == "w2")
    cells = {row.model: row.cells[column] for row in part.rows}
    assert {model: cell.mark for model, cell in cells.items()} == {
        "first": "best", "second": "open", "third": "worse", "oracle": ""
    }  # fmt: skip
    assert (cells["third"].text, cells["third"].value) == ("0.905 ± 0.064", pytest.approx(0.905))
    assert cells["third"].ratio.startswith("18.10 [")
    assert cells["third"].beside == f"{cells['third'].ratio} × 0.05"
    assert part.columns[column].ratio
    assert part.columns[column].better == "lower"
    assert part.sorted_by == "w2"


def test_flags_that_differ_in_seed_and_numbers_share_a_line(table):
    assert [row.model for row in table.rows if row.flagged] == ["third"]
    assert [row.model for row in table.rows if row.dimmed] == ["oracle"]
    assert table.flags == ["third on d, seed 0: w2 is 0.9 (and seed 1 alike)"]
