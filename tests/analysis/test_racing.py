"""Verdicts of a stored table whose seeds were added by its scores."""

import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.statistics.racing import level
from genbench.storage.races import Look, Race
from trial_records import record, spec

NOISE = [0.00, 0.04, -0.05, 0.02, -0.03, 0.01, 0.05, -0.02]


def trials(**seeds):
    """Three models whose noise has nothing in common."""
    models = {"a": (1.0, 1), "b": (1.02, 3), "c": (0.9, 5)}
    return [
        record(
            spec(model=model, model_name=model, seed=s),
            metrics={"w2": centre + NOISE[step * s % 8], "sliced_w2": centre + NOISE[(step * s + 3) % 8]},
        )
        for model, (centre, step) in models.items()
        for s in range(seeds.get(model, 8))
    ]


def race(*looks, metric="w2", margin=None):
    return {"d": Race(metric=metric, margin=margin, looks=list(looks))}


FIRST, SECOND = Look(seeds=3, alpha=level([3]), dropped=["c"]), Look(seeds=8, alpha=level([3, 8]))


def cells(board, metric="w2"):
    return {row.model: row.metrics[metric] for row in board.rows}


def test_a_model_that_was_dropped_stays_worse_although_it_leads_now():
    raced = Leaderboard.of(trials(c=3), "w2", races=race(FIRST, SECOND))
    assert {model: cells(raced)[model].verdict for model in "ac"} == {"a": "best", "c": "worse"}
    assert cells(raced)["c"].worse_by[0] >= 1
    (contest,) = raced.contests["d", "w2"]
    assert contest.leader.model == "a"
    assert cells(raced, "sliced_w2")["c"].verdict == "best", "by another metric than the raced one it was not dropped"


def test_a_table_has_the_level_of_its_last_look_by_all_metrics():
    for metric in ("w2", "sliced_w2"):
        raced = Leaderboard.of(trials(), metric, races=race(Look(seeds=3, alpha=level([3])), SECOND))
        alone = Leaderboard.of(trials(), metric, alpha=level([3, 8]))
        assert [cell.worse_by for cell in cells(raced, metric).values()] == [
            cell.worse_by for cell in cells(alone, metric).values()
        ]
    usual = Leaderboard.of(trials(), "w2")
    assert cells(usual)["b"].worse_by != cells(Leaderboard.of(trials(), "w2", races=race(FIRST, SECOND)))["b"].worse_by


def test_more_seeds_than_at_the_last_look_are_a_further_look():
    raced = Leaderboard.of(trials(), "w2", races=race(Look(seeds=3, alpha=level([3]))))
    expected = Leaderboard.of(trials(), "w2", alpha=level([3, 8]))
    assert cells(raced)["b"].worse_by == cells(expected)["b"].worse_by


@pytest.mark.parametrize(("margin", "verdict"), [("100%", "as good"), ("1%", "open")])
def test_the_margin_is_that_of_the_race(margin, verdict):
    raced = Leaderboard.of(trials(c=0), "w2", races=race(Look(seeds=8, alpha=0.01), margin=margin))
    assert cells(raced)["b"].verdict == verdict
