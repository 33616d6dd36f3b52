import json

import numpy as np
import pytest
import scipy.stats

from genbench.analysis.leaderboard import Leaderboard
from genbench.core.errors import GenbenchError
from genbench.display.export import render
from genbench.display.terminal import show
from genbench.storage.records import Failure
from trial_records import record, spec


def trial(model, seed, role="model", likelihood="exact", status="ok", dataset="d", **metrics):
    s = spec(model=model, model_name=model, seed=seed, dataset=dataset)
    error = None if status == "ok" else Failure(phase="fit", type="X", message="m", seconds=1.0)
    values = metrics if status == "ok" else dict.fromkeys(metrics)
    return record(s, role=role, likelihood=likelihood, status=status, metrics=values, error=error)


@pytest.fixture
def trials():
    """A is best; B differs from it by a noise of mean 0; C is worse by the same amount at every seed."""
    noise = [0.0, 0.3, -0.3]
    return [
        *(trial("oracle", s, role="oracle", w2=0.5, kl=0.0) for s in range(3)),
        *(trial("a", s, w2=1.0 + noise[s], kl=0.1 + 0.001 * s) for s in range(3)),
        *(trial("b", s, w2=1.01 - noise[s], kl=0.2, likelihood="bound") for s in range(3)),
        *(trial("c", s, w2=1.2 + noise[s] + 0.001 * s, kl=0.3 + 0.002 * s) for s in range(3)),
        *(trial("cheat", s, role="control", w2=0.1, kl=0.05) for s in range(3)),
    ]


def cells(board, metric):
    return {row.model: row.metrics[metric] for row in board.rows}


def test_interval_is_students(trials):
    low, high = scipy.stats.t.interval(0.95, 2, loc=1.0, scale=scipy.stats.sem([1.0, 1.3, 0.7]))
    cell = cells(Leaderboard.of(trials), "w2")["a"]
    assert (cell.mean, cell.low, cell.high) == pytest.approx((1.0, low, high))


def test_sorted_with_floor_and_ratio(trials):
    board = Leaderboard.of(trials, "w2")
    assert [row.model for row in board.rows] == ["cheat", "oracle", "a", "b", "c"]
    cell = cells(board, "w2")["c"]
    assert cell.floor == 0.5
    assert cell.ratio == pytest.approx(cell.mean / 0.5)
    assert cells(board, "kl")["a"].ratio is None, "nats have no quotient"


def test_the_best_is_marked_with_all_that_cannot_be_told_from_it(trials):
    best = {model for model, cell in cells(Leaderboard.of(trials, "w2"), "w2").items() if cell.best}
    assert best == {"a", "b"}, "c is worse at every seed by the same amount: a paired test sees it"
    assert {model for model, cell in cells(Leaderboard.of(trials, "w2"), "w2").items() if cell.tie} == {"b"}


def test_what_is_no_merit_of_a_model_has_no_best():
    both = [trial(m, s, mean_confidence=0.9 + 0.001 * s, classifier_accuracy=0.98) for m in "ab" for s in range(3)]
    board = Leaderboard.of(both, "mean_confidence")
    assert all(cell.best for cell in cells(board, "mean_confidence").values())
    assert not any(cell.best or cell.tie for cell in cells(board, "classifier_accuracy").values())


def test_many_comparisons_with_the_best_are_corrected_for():
    """p = 0.027 of one pair is a difference; beside nine others it is not (Holm)."""
    gap = [0.9, 1.1, 1.3, 0.4]
    pair = [trial(m, s, w2=1.0 + (m == "b") * gap[s]) for m in "ab" for s in range(4)]
    p = scipy.stats.ttest_1samp(gap, 0).pvalue
    assert 0.05 / 10 < p < 0.05
    assert not cells(Leaderboard.of(pair), "w2")["b"].best
    crowd = [trial(f"x{k}", s, w2=2.0 + [0, 3, -1, -0.5][s] + k) for k in range(9) for s in range(4)]
    assert cells(Leaderboard.of([*pair, *crowd]), "w2")["b"].tie


def test_the_quotient_by_the_oracle_has_an_interval(trials):
    board = cells(Leaderboard.of(trials), "w2")
    assert board["a"].ratio_low < board["a"].ratio == 2.0 < board["a"].ratio_high
    assert board["oracle"].ratio_low is None, "the oracle by itself is 1, without an error"


def test_resolution_comes_from_the_spread_of_the_oracles_draws(trials):
    noise = [0.3, -0.3, 0.1, -0.1]
    draws = {"w2": [0.5 + e for e in noise]}
    floor = [t.model_copy(update={"draws": draws}) for t in trials if t.role == "oracle"]
    board = Leaderboard.of([*floor, *(t for t in trials if t.role != "oracle")])
    found = board.resolutions("d")
    assert found.keys() == {"w2"}
    assert found["w2"].oracle_sd == pytest.approx(np.std(noise, ddof=1))
    assert (found["w2"].seeds, found["w2"].n) == (3, 10)
    assert found["w2"].smallest_difference > 2 * found["w2"].oracle_sd, "three seeds tell little apart"


def test_likelihood_kinds_are_not_ranked_together(trials):
    board = Leaderboard.of(trials, "kl")
    assert [row.model for row in board.rows] == ["oracle", "cheat", "a", "c", "b"], (
        "the bound comes after the exact ones"
    )
    best = {model for model, cell in cells(board, "kl").items() if cell.best}
    assert best == {"a"}, "each kind has a best of its own, and one model alone has nothing to be best of"


def test_failures_are_rows(trials):
    board = Leaderboard.of(
        [*trials, *(trial("d", s, status="diverged", w2=1) for s in range(3)), trial("a", 3, status="timeout", w2=1)]
    )
    rows = {row.model: row for row in board.rows}
    assert board.rows[-1].model == "d"
    assert (rows["d"].seeds, rows["d"].failed, rows["d"].statuses) == (0, 3, {"diverged": 3})
    assert (rows["a"].seeds, rows["a"].failed) == (3, 1)


def test_one_seed_claims_nothing():
    board = Leaderboard.of([trial("a", 0, w2=1.0), trial("b", 0, w2=2.0)])
    assert not any(row.metrics["w2"].best for row in board.rows)
    assert board.rows[0].metrics["w2"].low is None


def test_one_seed_shows_the_standard_error_of_the_score(capsys):
    one = trial("a", 0, w2=1.0).model_copy(update={"standard_errors": {"w2": 0.25}})
    board = Leaderboard.of([one])
    assert board.rows[0].metrics["w2"].standard_error == 0.25
    show(board)
    text = " ".join(capsys.readouterr().out.split())
    assert "1.00 ± 0.25" in text
    assert "one seed, ± standard error" in text


def test_datasets_stay_apart(trials):
    other = [trial("oracle", s, role="oracle", dataset="e", w2=5.0) for s in range(3)]
    board = Leaderboard.of([*trials, *other, *(trial("a", s, dataset="e", w2=10.0) for s in range(3))])
    assert {(r.model, r.dataset): r.metrics["w2"].ratio for r in board.rows if r.model == "a"} == {
        ("a", "d"): pytest.approx(2.0),
        ("a", "e"): 2.0,
    }


def test_an_unknown_metric_answers_with_the_nearest(trials):
    with pytest.raises(GenbenchError, match="no metric 'w3' in this run; did you mean w2"):
        Leaderboard.of(trials, "w3")


def test_all_formats_hold_the_same_numbers(trials, capsys):
    board = Leaderboard.of([*trials, trial("d_1", 0, status="diverged", w2=1)], "w2")
    rows = json.loads(render(board, "json"))
    assert {"model", "dataset", "seeds", "failed", "likelihood", "metrics", "cost"} <= rows[0].keys()
    assert {"mean", "low", "high", "floor", "ratio"} <= rows[0]["metrics"]["w2"].keys()
    assert len(render(board, "csv").splitlines()) == 1 + len(rows)
    assert "| a | 3 |" in render(board, "md")
    tex = render(board, "tex")
    assert r"\toprule" in tex
    assert r"d\_1" in tex
    show(board)
    text = capsys.readouterr().out
    assert "1 diverged" in text
    assert "0/1" in text
    with pytest.raises(GenbenchError, match="no format"):
        render(board, "xml")


def test_metrics_of_a_row_stand_in_the_order_of_the_board():
    """A file that is written again does not change; an order by chance passes once in 5,040."""
    names = ["w2", "kl", "mmd", "nll", "sliced_w2", "precision", "recall"]
    board = Leaderboard.of([trial("a", s, **dict.fromkeys(names, 0.1 * s)) for s in range(3)])
    (row,) = json.loads(render(board, "json"))
    assert list(row["metrics"]) == board.metrics


def test_ten_thousand_trials_take_seconds():
    import time

    rng = np.random.default_rng(0)
    many = [
        trial(f"m{m}", s, dataset=f"d{d}", w2=float(rng.random()), kl=float(rng.random()))
        for m in range(20) for d in range(50) for s in range(10)
    ]  # fmt: skip
    begin = time.process_time()
    board = Leaderboard.of(many)
    assert len(board.rows) == 1000
    assert time.process_time() - begin < 30, "a quadratic algorithm would take minutes"


def test_an_oracle_with_fewer_seeds_than_a_model_in_one_metric_is_the_floor_of_all():
    pair = [trial("m", s, w2=1.0 + s, sliced_w2=2.0 + s) for s in range(2)]
    oracle = [trial("oracle", 0, role="oracle", w2=0.5, sliced_w2=1.0), trial("oracle", 1, role="oracle", w2=0.5)]
    rows = {row.model: row for row in Leaderboard.of([*pair, *oracle]).rows}
    assert rows["m"].metrics["w2"].ratio == 1.5 / 0.5
    assert rows["m"].metrics["sliced_w2"].ratio == 2.5 / 1.0
