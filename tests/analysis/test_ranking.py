"""The ranking over several datasets, on boards made by hand."""

import numpy as np
import pytest
from scipy.stats import trim_mean

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import rankings
from genbench.analysis.verdicts import Margin
from genbench.display.export import render
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
    assert b.iqm.value == pytest.approx(trim_mean(values, 0.25))
    assert b.iqm.low < b.iqm.value < b.iqm.high
    assert [s.rank for s in one.models] == [1, 2, 3]
    assert b.improvement.value == 0, "no run of b beats one of a"
    assert one.models[0].improvement is None


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
    e = next(s for s in one.models if s.name == "e")
    assert e.improvement is None or e.improvement.value == 0.75, "a quarter of its runs failed"
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
