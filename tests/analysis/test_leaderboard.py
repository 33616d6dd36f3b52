import json

import numpy as np
import pytest
import scipy.stats

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.verdicts import Margin
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


def verdicts(board, metric):
    return {model: cell.verdict for model, cell in cells(board, metric).items() if cell}


def steady(**means):
    """Five seeds of each model, within one per cent of its mean."""
    return [
        trial(m, s, w2=mean * (1 + 0.01 * (-1) ** (i + s)))
        for i, (m, mean) in enumerate(means.items())
        for s in range(5)
    ]


def test_what_the_seeds_cannot_tell_is_open_and_no_tie(trials):
    board = Leaderboard.of(trials, "w2")
    assert verdicts(board, "w2") == {"a": "best", "b": "open", "c": "open", "cheat": None, "oracle": None}
    assert not any(cell.tie for cell in cells(board, "w2").values())


def test_a_model_is_as_good_or_worse_where_the_seeds_show_it():
    board = Leaderboard.of(steady(lead=1.0, near=1.01, far=2.0), "w2")
    assert verdicts(board, "w2") == {"lead": "best", "near": "as good", "far": "worse"}
    found = cells(board, "w2")
    assert [found[model].best for model in ("lead", "near", "far")] == [True, True, False]
    assert [found[model].tie for model in ("lead", "near", "far")] == [False, True, False]
    low, high = found["far"].worse_by
    assert 1.8 < low < 2.0 < high < 2.2
    assert found["far"].scale == "quotient"


def test_a_margin_decides_who_is_as_good():
    made = steady(lead=1.0, near=1.01, far=2.0)
    assert verdicts(Leaderboard.of(made, "w2", margin=Margin.parse("1%")), "w2")["near"] == "open"
    assert verdicts(Leaderboard.of(made, "w2", margin=Margin.parse("10%")), "w2")["near"] == "as good"
    assert verdicts(Leaderboard.of(made, "w2", margin=Margin.parse("900%")), "w2")["far"] == "worse"


@pytest.mark.parametrize(
    ("text", "share", "difference"), [("10%", 0.1, None), (" .5 ", None, 0.5), ("2e-3,10 %", 0.1, 0.002)]
)
def test_a_margin_is_read(text, share, difference):
    assert Margin.parse(text) == Margin(pytest.approx(share) if share else None, difference)


@pytest.mark.parametrize("text", ["", "0", "0%", "-5%", "ten", "10%,20%", "0.1,0.2", "inf", "1e-400", "10%%"])
def test_a_margin_that_cannot_be_read_is_refused_with_the_remedy(text):
    with pytest.raises(GenbenchError, match="10%,0.05"):
        Margin.parse(text)


def test_a_half_width_counts_as_an_interval_that_is_shown(trials):
    """By the bootstrap an interval may hold the best mean where mean ± half-width, which a table prints, does not."""
    (contest,) = Leaderboard.of(steady(lead=1.0, near=1.01), "w2", margin=Margin(share=9.0)).contests["d", "w2"]
    i = [row.model for row in contest.rows].index("near")
    assert contest.verdict(i) == "as good"
    cell = contest.rows[i].metrics["w2"]
    cell.low, cell.high = 0.998, 1.0085
    assert contest.leader.metrics["w2"].mean < cell.mean - (cell.high - cell.low) / 2
    assert contest.verdict(i) == "open"


def test_what_is_no_merit_of_a_model_has_no_best():
    both = [trial(m, s, mean_confidence=0.9 + 0.001 * s, classifier_accuracy=0.98) for m in "ab" for s in range(3)]
    board = Leaderboard.of(both, "mean_confidence")
    assert verdicts(board, "mean_confidence") == {"a": "best", "b": "open"}
    assert verdicts(board, "classifier_accuracy") == {"a": None, "b": None}


def test_many_comparisons_with_the_best_are_corrected_for():
    """What is a difference of one pair is none beside nine others."""
    gap = [0.9, 1.1, 1.3, 0.4]
    pair = [trial(m, s, w2=1.0 + (m == "b") * gap[s]) for m in "ab" for s in range(4)]
    assert verdicts(Leaderboard.of(pair), "w2") == {"a": "best", "b": "worse"}
    crowd = [trial(f"x{k}", s, w2=2.0 + [0, 3, -1, -0.5][s] + k) for k in range(9) for s in range(4)]
    assert verdicts(Leaderboard.of([*pair, *crowd]), "w2")["b"] == "open"


def test_the_quotient_by_the_oracle_has_an_interval(trials):
    board = cells(Leaderboard.of(trials), "w2")
    assert board["a"].ratio_low < board["a"].ratio == 2.0 < board["a"].ratio_high
    assert board["oracle"].ratio_low is None, "the oracle by itself is 1, without an error"


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
    assert {row.metrics["w2"].verdict for row in board.rows} == {None}
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
