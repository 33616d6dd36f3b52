"""The ranking over several datasets, on boards made by hand."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import rankings
from genbench.analysis.verdicts import Margin
from genbench.display.export import render
from genbench.display.ranking_view import ranking_view
from genbench.display.terminal import show
from genbench.storage.evaluation import Flag
from genbench.storage.records import Failure
from trial_records import record, spec

DATASETS = [f"d{k}" for k in range(6)]


def trial(model, dataset, seed, role="model", likelihood="exact", status="ok", **metrics):
    s = spec(model=model, model_name=model, seed=seed, dataset=dataset)
    error = None if status == "ok" else Failure(phase="fit", type="X", message="m", seconds=1.0)
    return record(s, role=role, likelihood=likelihood, status=status, metrics=metrics, error=error)


@pytest.fixture
def trials():
    """On dataset k all distances have the scale 2^k; a is twice the oracle, b three times, c four times."""
    rng = np.random.default_rng(0)
    made = []
    for k, dataset in enumerate(DATASETS):
        for seed in range(4):
            made.append(trial("oracle", dataset, seed, role="oracle", w2=2.0**k))
            made.append(trial("memoriser", dataset, seed, role="control", w2=2.0**k))
            for model, level in (("a", 2), ("b", 3), ("c", 4)):
                made.append(trial(model, dataset, seed, w2=2.0**k * (level + 0.1 * rng.normal())))
    return made


def test_scores_are_quotients_by_the_oracles_so_that_datasets_weigh_alike(trials):
    (one,) = rankings(Leaderboard.of(trials, "w2"))
    assert [s.name for s in one.models] == ["a", "b", "c"]
    assert one.unit == "× oracle"
    values = [t.metrics["w2"] / 2.0 ** DATASETS.index(t.dataset) for t in trials if t.model == "b"]
    b = one.models[1]
    logs = np.log(values).reshape(6, 4).mean(axis=1)
    ends = ttest_1samp(logs, 0).confidence_interval(0.95)
    assert b.score == pytest.approx(np.exp([logs.mean(), ends.low, ends.high])), "Student's t over datasets"
    assert [s.average_rank for s in one.models] == [1, 2, 3]
    assert [s.ranks for s in one.models] == [(1, 1), (2, 2), (3, 3)]
    assert [s.verdict for s in one.models] == ["best", "worse", "worse"]
    assert b.worse_by[0] < 1.5 < b.worse_by[1] < 1.7
    assert b.odds == pytest.approx((0, 0, 1), abs=0.01)
    assert b.wilcoxon == pytest.approx(2 * 2 / 2**6), "by Holm, of two"
    assert one.models[0].odds is one.models[0].wilcoxon is None


def test_neither_the_oracle_nor_the_unit_changes_a_comparison(trials):
    (one,) = rankings(Leaderboard.of(trials, "w2"))
    (plain,) = rankings(Leaderboard.of([t for t in trials if t.role == "model"], "w2"))
    assert plain.unit != "× oracle"
    for a, b in zip(one.models, plain.models, strict=True):
        assert a.worse_by == pytest.approx(b.worse_by)
        assert (a.ranks, a.verdict, a.odds) == (b.ranks, b.verdict, b.odds)


def board_of(scores, metric="w2", **how):
    """Return a board of models m0, m1, … with scores [models, datasets], one seed each."""
    made = [trial(f"m{m}", f"d{d}", 0, **{metric: float(x)}) for m, row in enumerate(scores) for d, x in enumerate(row)]
    return Leaderboard.of(made, metric, **how)


def test_as_good_is_within_the_margin_and_the_rest_is_open():
    noise = np.exp(0.01 * np.random.default_rng(1).normal(size=(3, 6)))
    scores = np.array([1.0, 1.001, 2.0])[:, None] * noise
    (one,) = rankings(board_of(scores))
    assert (one.scale, one.margin) == ("quotient", 1.1)
    assert [m.verdict for m in one.models] == ["best", "as good", "worse"]
    assert one.models[1].odds.equivalent > 0.99
    (tight,) = rankings(board_of(scores, margin=Margin(share=0.001)))
    assert [m.verdict for m in tight.models] == ["best", "open", "worse"]


def test_data_units_that_are_not_positive_are_ranked_and_shares_keep_theirs():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(4, 7)) * 10.0 ** np.arange(7)
    (one,) = rankings(board_of(noise, metric="energy"))
    assert (one.scale, one.margin, one.unit) == ("rank", None, "")
    assert [m.score.value for m in one.models] == pytest.approx([m.average_rank for m in one.models])
    shares = 0.9 - 0.1 * np.arange(4)[:, None] + 0.01 * rng.normal(size=(4, 7))
    (one,) = rankings(board_of(shares, metric="coverage"))
    assert (one.scale, [m.name for m in one.models]) == ("difference", ["m0", "m1", "m2", "m3"])
    assert one.models[0].score.value == pytest.approx(shares[0].mean())
    assert one.models[3].worse_by[0] > 0.2


def test_two_datasets_are_ranked_without_a_verdict():
    (one,) = rankings(board_of([[1.0, 1.1], [2.0, 2.1], [3.0, 3.1]]))
    assert [m.name for m in one.models] == ["m0", "m1", "m2"]
    assert {(m.verdict, m.ranks, m.odds) for m in one.models} == {(None, None, None)}
    assert np.isnan([m.score.low for m in one.models]).all()
    assert "2 datasets are too few" in ranking_view(one).sentence


def test_what_it_says_holds_for_further_datasets():
    """8 equal models on 5 datasets, 25 times: the first is excluded in 5 % at most, plus 4 standard errors (3e-5)."""
    rng, lost = np.random.default_rng(3), 0
    for _ in range(25):
        (one,) = rankings(board_of(np.exp(0.3 * rng.normal(size=(8, 5)) + rng.normal(size=5))))
        lost += next(m for m in one.models if m.name == "m0").verdict == "worse"
    assert lost / 25 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 25)


def test_controls_do_not_take_part_and_rank_tests_need_five_datasets(trials):
    (one,) = rankings(Leaderboard.of(trials, "w2"))
    assert "memoriser" not in {s.name for s in one.models}
    assert one.ranks.p == pytest.approx(np.exp(-6), rel=1e-9), "Friedman's χ² is N(k − 1) = 12 with 2 degrees: exp(−6)"
    assert one.cliques == [["a", "b"], ["b", "c"]], "one rank apart, critical difference 2.343 √(3·4 / 36) = 1.35"
    (few,) = rankings(Leaderboard.of([t for t in trials if t.dataset in DATASETS[:4]], "w2"))
    assert few.ranks.p is None
    assert "4 datasets are too few" in few.ranks.reason


def test_one_dataset_has_no_ranking(trials):
    assert rankings(Leaderboard.of([t for t in trials if t.dataset == "d0"], "w2")) == []


def test_a_failed_seed_counts_as_worst_and_a_missing_dataset_leaves_out(trials):
    failed = [
        trial("e", d, s, w2=None, status="diverged") if s == 0 else trial("e", d, s, w2=0.1)
        for d in DATASETS
        for s in range(4)
    ]
    partial = [trial("f", d, s, w2=0.1) for d in DATASETS[:5] for s in range(4)]
    (one,) = rankings(Leaderboard.of([*trials, *failed, *partial], "w2"))
    *others, e = one.models
    assert (e.name, e.failures, e.verdict, e.ranks) == ("e", 6, "worse", (4, 4)), "though its other scores lead"
    assert e.score.value == pytest.approx(0.1 * 2**-2.5), "0.1 over the oracle's 1, 2, …, 32"
    assert [m.verdict for m in others] == ["best", "worse", "worse"]
    assert "rank last: e (6)" in ranking_view(one).tests
    assert one.left_out == ("f",)


def test_datasets_of_a_few_models_do_not_leave_out_the_others(trials):
    extra = [
        trial(m, "special", s, role="oracle" if m == "oracle" else "model", w2=1.0 + s / 10)
        for m in ("oracle", "a")
        for s in range(4)
    ]
    (one,) = rankings(Leaderboard.of([*trials, *extra], "w2"))
    assert one.datasets == tuple(DATASETS)
    assert len(one.models) == 3


def test_likelihood_kinds_have_a_ranking_each():
    made = [
        trial(m, d, s, likelihood="bound" if m > "b" else "exact", kl=0.1 * i + 0.01 * s)
        for i, m in enumerate("abcd") for d in DATASETS for s in range(3)
    ]  # fmt: skip
    found = {one.likelihood: [s.name for s in one.models] for one in rankings(Leaderboard.of(made, "kl"))}
    assert found == {"exact": ["a", "b"], "bound": ["c", "d"]}


def test_it_is_shown_and_written(trials, capsys):
    board = Leaderboard.of(trials, "w2")
    show(board)
    text = " ".join(capsys.readouterr().out.split())
    assert "6 datasets together" in text
    assert "Friedman's test" in text
    assert "Over 6 datasets, a is the best; b and c are worse (c at least" in text
    assert "with 6 datasets and 2 comparisons its p (Holm) is 0.062" in text
    assert "| b |" in render(board, "md").partition("### 6 datasets")[2]


def test_verdicts_and_flags_are_in_every_file():
    noise = [0.0, 0.03, -0.03]
    made = [trial("a", "d", s, w2=1 + noise[s]) for s in range(3)] + [
        trial("b", "d", s, w2=1.01 - noise[s]) for s in range(3)
    ]
    made[4].flags.append(Flag(metric="coverage", text="coverage is 0.2: a collapse"))
    board = Leaderboard.of(made, "w2", margin=Margin(share=0.5))
    md, tex = render(board, "md"), render(board, "tex")
    assert "**1.000 ± 0.075**" in md
    assert "*1.010 ± 0.075*" in md
    assert "b (!)" in md
    assert "b on d, seed 1: coverage is 0.2: a collapse" in md
    assert r"\textbf{1.000 $\pm$ 0.075}" in tex
    assert r"\underline{1.010 $\pm$ 0.075}" in tex
    assert "a collapse" in tex
    assert "a collapse" in render(board, "json")


def test_a_failure_leaves_nothing_to_gain():
    """Of two models one failed once: the other is the best; where all failed there is no verdict."""
    fine = [trial("a", f"d{d}", s, w2=2.0 + s / 10) for d in range(4) for s in range(2)]
    once = [trial("b", f"d{d}", s, w2=1.0 + s / 10 + d / 7) for d in range(4) for s in range(2)]
    once[3] = trial("b", "d1", 1, w2=None, status="diverged")
    (one,) = rankings(Leaderboard.of([*fine, *once], "w2"))
    assert [(m.name, m.verdict, m.ranks, m.worse_by) for m in one.models] == [
        ("a", "best", (1, 1), None), ("b", "worse", (2, 2), None),
    ]  # fmt: skip
    assert one.models[1].odds is one.models[1].wilcoxon is None
    fine[0] = trial("a", "d0", 0, w2=None, status="diverged")
    (one,) = rankings(Leaderboard.of([*fine, *once], "w2"))
    assert {(m.verdict, m.ranks) for m in one.models} == {(None, None)}
    assert "No verdict" in ranking_view(one).sentence


def test_models_that_never_vary_are_open_to_infinity():
    (one,) = rankings(board_of([[1.0] * 4, [2.0] * 4]))
    assert [(m.verdict, m.ranks, m.worse_by[1]) for m in one.models] == [("best", (1, 2), None), ("open", (1, 2), None)]
    assert "× 1.00 to ∞" in ranking_view(one).rows[1]
