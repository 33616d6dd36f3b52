"""Comparisons of runs made by hand: verdicts, reasons, error rates, exit codes."""

import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from typer.testing import CliRunner

from genbench.analysis.comparison import compare
from genbench.analysis.verdicts import Margin
from genbench.cli.compare import compare as command
from genbench.core.errors import GenbenchError
from genbench.display.comparison import render, show
from genbench.results import Run
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec


class Made:
    """What `compare` needs of a run, without files."""

    def __init__(self, path, trials, **environment):
        from pathlib import Path

        self.path, self.trials, self.record = Path(path), trials, RunRecord(name=path, environment=environment)


def trial(model="m", seed=0, dataset="d", status="ok", likelihood="exact", facts=None, **metrics):
    s = spec(model=model, model_name=model.partition("[")[0], seed=seed, dataset=dataset, **(facts or {}))
    metrics = metrics if status == "ok" else dict.fromkeys(metrics)
    return record(s, status=status, likelihood=likelihood, metrics=metrics)


def scored(values, model="m", first=0, metric="w2", **facts):
    return [trial(model, first + k, **{metric: float(value)}, **facts) for k, value in enumerate(values)]


def only_row(comparison):
    (row,) = comparison.rows
    return row


@pytest.fixture
def stored(tmp_path):
    """Write a run to the disk and return its folder."""

    def write(name, trials):
        store = Store(tmp_path / name)
        store.create()
        for t in trials:
            store.write(t)
        store.write_run(RunRecord(name=name, trials=[t.key for t in trials]))
        return str(store.path)

    return write


def run_command(*arguments):
    import typer

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def test_a_quotient_at_every_seed_is_told_by_pairs():
    noise = np.array([1.0, 3.0, 0.3])  # of the data, the same for both
    row = only_row(compare(Made("a", scored(10 * noise)), Made("b", scored(11 * noise * [1, 1.001, 0.999]))))
    assert (row.verdict, row.seeds, row.paired, row.reason, row.scale) == ("worse", 3, True, "", "quotient")
    assert row.quotient == pytest.approx(1.1, abs=1e-6)
    assert row.difference == pytest.approx(row.mean_b - row.mean_a)
    logs = np.log([1.1, 1.1 * 1.001, 1.1 * 0.999])
    ends = ttest_1samp(logs, 0).confidence_interval(0.95)
    assert [row.low, row.high] == pytest.approx(np.exp([ends.low, ends.high]), abs=1e-5), "one row: Student's t"
    assert row.p < 0.001
    row = only_row(compare(Made("a", scored(11 * noise)), Made("b", scored(10 * noise * [1, 1.001, 0.999]))))
    assert row.verdict == "better"


def test_scores_around_0_are_compared_by_differences():
    noise = np.array([0.0, 5.0, -5.0])
    row = only_row(compare(Made("a", scored(1 + noise)), Made("b", scored(2 + noise + [0, 0.01, -0.01]))))
    assert (row.verdict, row.scale, row.quotient) == ("worse", "difference", None)
    assert row.low < 1 < row.high
    assert row.difference == pytest.approx(1)


def test_as_good_lies_within_the_margin():
    a, b = Made("a", scored([1.0, 2.0, 3.0])), Made("b", scored([1.02, 1.99, 2.98]))
    row = only_row(compare(a, b))
    assert (row.verdict, row.margin) == ("as good", 1.1)
    assert 1 / 1.1 <= row.low < 1 < row.high <= 1.1
    tight = only_row(compare(a, b, margin=Margin(share=0.01)))
    assert (tight.verdict, tight.margin, tight.low, tight.high) == ("open", 1.01, row.low, row.high)
    a, b = Made("a", scored([-1.0, 2.0, 3.0])), Made("b", scored([-1.02, 2.01, 2.98]))
    assert only_row(compare(a, b)).verdict == "open", "no margin of differences is known"
    assert only_row(compare(a, b, margin=Margin(difference=0.1))).verdict == "as good"


def test_only_common_seeds_count():
    b = [*scored([1.5, 2.4, 3.6]), *scored([1e6, 1e6], first=7)]
    row = only_row(compare(Made("a", scored([1, 2, 3, 99])), Made("b", b)))
    assert (row.seeds, row.mean_a, row.mean_b) == (3, 2, 2.5)


def test_higher_is_better_where_the_card_says_so():
    a, b = scored([6.0, 6.1, 6.2], metric="modes"), scored([8.0, 8.0, 8.3], metric="modes")
    assert only_row(compare(Made("a", a), Made("b", b))).verdict == "better"
    a, b = scored([6.0, 6.1, 6.2], metric="unheard_of"), scored([8.0, 8.0, 8.3], metric="unheard_of")
    assert only_row(compare(Made("a", a), Made("b", b))).verdict == "worse", "an unknown metric is a distance"


@pytest.mark.parametrize(("b", "reason"), [
    (scored([1.0]), "one common seed"),
    (scored([1.0, 2.0, 3.0], facts={"protocol": {"samples": 99}}), "samples: 10 against 99"),
    (scored([1.0, 2.0, 3.0], facts={"dataset_params": {"noise": 2}}), "different data"),
    ([trial(seed=s, w2=None) for s in range(3)], "no score in B"),
    (scored([5.0], first=9), "one seed on a side"),
])  # fmt: skip
def test_what_cannot_be_compared_says_why(b, reason):
    row = only_row(compare(Made("a", scored([10.0, 10.1, 10.2])), Made("b", b)))
    assert (row.verdict, row.p, row.low) == ("open", None, None)
    assert reason in row.reason


def test_likelihood_kinds_are_not_compared():
    a = [trial(seed=s, kl=1.0 + s / 100, w2=1.0 + s / 100) for s in range(3)]
    b = [trial(seed=s, kl=2.0, w2=2.0, likelihood="bound") for s in range(3)]
    rows = {row.metric: row for row in compare(Made("a", a), Made("b", b)).rows}
    assert (rows["kl"].verdict, rows["kl"].reason, rows["kl"].p) == ("open", "exact against bound", None)
    assert rows["w2"].verdict == "worse"


def test_failures():
    fine, gone = scored([1.0, 1.1, 1.2]), [trial(seed=s, w2=1, status="diverged") for s in range(3)]
    row = only_row(compare(Made("a", fine), Made("b", gone)))
    assert (row.verdict, row.reason, row.failures) == ("worse", "all trials of B failed", ["B: 3 of 3 diverged"])
    assert only_row(compare(Made("a", gone), Made("b", fine))).verdict == "better"
    row = only_row(compare(Made("a", fine), Made("b", [*fine[:2], gone[2]])))
    assert (row.verdict, row.seeds, row.failures) == ("open", 2, ["B: 1 of 3 diverged"])
    assert only_row(compare(Made("a", fine[:1]), Made("b", gone[:1]))).verdict == "open", "one failure is chance"


def test_intervals_are_simultaneous_and_agree_with_p_and_the_verdict():
    rng = np.random.default_rng(0)
    a = [t for d in range(9) for t in scored(np.exp(rng.normal(0, 0.2, size=3)), dataset=f"d{d}")]
    b = [t for d in range(9) for t in scored(np.exp(rng.normal(d / 6, 0.2, size=3)), dataset=f"d{d}")]
    rows = compare(Made("a", a), Made("b", b)).rows
    assert {row.verdict for row in rows} == {"open", "worse"}
    for row in rows:
        assert (row.verdict == "worse") == (row.low > 1) == (row.p_adjusted < 0.05)
        assert row.p <= row.p_adjusted
    widest = compare(Made("a", a), Made("b", b), alpha=0.01).rows
    assert all(wide.low < row.low < row.high < wide.high for wide, row in zip(widest, rows, strict=True))


def test_what_else_differs_is_said():
    a = Made("a", scored([1.0, 2.0]), libraries={"torch": "2.5", "numpy": "2"}, cores=2, commit="x", command=["a"])
    b = Made(
        "b",
        scored([1.0, 2.0], facts={"params": {"a": 2}, "budget": "standard", "sources": {"m.py": "2"}, "metrics": ("kl",)})
        + scored([3.0], model="n"),
        libraries={"torch": "2.6", "numpy": "2"}, cores=4, commit="x", command=["b"],
    )  # fmt: skip
    found = compare(a, b)
    assert sorted(found.environment) == ["cores: 2 -> 4", "torch: 2.5 -> 2.6"]
    assert found.code == ["code of m.py changed (m on d)"]
    assert found.parameters == ["a: 1 -> 2 (m on d)", "budget changed: quick -> standard (m on d)"]
    assert found.left_out == ["only in B: n on d"]
    assert only_row(found).notes == ["a: 1 -> 2", "code of m.py changed", "budget changed: quick -> standard"]


def test_two_models_of_one_run():
    trials = [*scored([1.0, 2.0, 3.0]), *scored([1.5, 3.01, 4.48], model="n"), *scored([9.0], model="o", dataset="e")]
    run = Made("a", trials)
    row = only_row(compare(run, run, ["m", "n"]))
    assert (row.against, row.model, row.verdict, row.notes) == ("m", "n", "worse", [])
    for models, words in ((["m", "x"], "no model 'x'"), (["m"], "is one model"), (["m", "o"], "in common")):
        with pytest.raises(GenbenchError, match=words):
            compare(run, run, models)
    itself = compare(run, run)
    assert {row.verdict for row in itself.rows} == {"as good", "open"}, "one of the models has a single seed"
    assert {(row.low, row.high) for row in itself.rows if row.dataset == "d"} == {(1, 1)}
    assert {row.p for row in itself.rows if row.dataset == "d"} == {1}


def test_bad_requests():
    a, b = Made("a", scored([1.0, 2.0])), Made("b", scored([1.0, 2.0], model="n"))
    with pytest.raises(GenbenchError, match="no model on a dataset in common: m on d against n on d"):
        compare(a, b)
    with pytest.raises(GenbenchError, match="alpha=5"):
        compare(a, a, alpha=5)
    with pytest.raises(GenbenchError, match="no metric 'w3'.*did you mean w2"):
        compare(a, a).only(["w3"])


def runs_of_one_model(first, rng, rows):
    """Run A has the seeds 0, 1, 2, run B those from `first` on; the same seeds share the noise of the data."""
    data = rng.normal(size=(2, rows, 3))
    data[1] = data[0] if first == 0 else data[1]
    scores = data + rng.normal(size=(2, rows, 3))
    a, b = (
        [t for d in range(rows) for t in scored(scores[side, d], dataset=f"d{d}", first=start)]
        for side, start in ((0, 0), (1, first))
    )
    return Made("a", a), Made("b", b)


@pytest.mark.parametrize(("first", "paired"), [(0, True), (10, False)])
def test_two_runs_of_one_model_are_told_apart_as_rarely_as_stated(first, paired):
    """600 comparisons of one row: at most 5 % find a difference, plus 4 binomial standard errors (a 3e-5 chance); and
    60 comparisons of 10 rows: at most 5 % find any. Unpaired, 3 against 3 are a little conservative."""
    rng = np.random.default_rng(first)
    wide = compare(*runs_of_one_model(first, rng, 600)).rows
    assert {row.paired for row in wide} == {paired}
    assert {"unpaired: no seed in common"} == {row.reason for row in wide} or paired
    share = np.mean([row.p < 0.05 for row in wide])
    assert 0.005 < share < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 600)
    families = [compare(*runs_of_one_model(first, rng, 10)).rows for _ in range(40)]
    told = np.mean([any(row.verdict in ("better", "worse") for row in rows) for rows in families])
    assert told <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 60)


def test_single_comparisons_keep_the_rate_too():
    """300 separate comparisons of one row each, half of them without a common seed."""
    rng = np.random.default_rng(5)
    told = [
        only_row(compare(*runs_of_one_model(first, rng, 1))).verdict in ("better", "worse") for first in [0, 10] * 150
    ]
    assert np.mean(told) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)


def test_a_regression_exits_with_1(stored):
    a, b = stored("a", scored([1.0, 1.1, 1.2])), stored("b", scored([2.0, 2.11, 2.22]))
    found = run_command(a, b, "--fail-on-regression")
    assert found.exit_code == 1, found.output
    assert "worse" in found.output
    assert "1 rows: 0 better, 1 worse" in found.output
    assert run_command(a, b).exit_code == 0
    assert run_command(b, a, "--fail-on-regression").exit_code == 0
    assert run_command(a, a, "--fail-on-regression").exit_code == 0
    alone = run_command(a)
    assert isinstance(alone.exception, GenbenchError)


def test_all_formats_hold_the_same_rows(stored, capsys):
    a = stored("a", [trial(seed=s, w2=1.0 + s / 10, kl=0.5 + s / 10, mmd2=0.1) for s in range(3)])
    b = stored("b", [trial(seed=s, w2=2.0 + s / 9, kl=0.5 + s / 9, mmd2=0.1) for s in range(3)])
    rows = json.loads(run_command(a, b, "--format", "json", "--metrics", "all").stdout)
    assert [row["metric"] for row in rows] == ["kl", "w2", "mmd2"]
    assert {"model", "dataset", "verdict", "p", "p_adjusted", "mean_a", "mean_b", "low", "high"} <= rows[0].keys()
    assert [row["scale"] for row in rows] == ["difference", "quotient", "difference"]
    assert [row["metric"] for row in json.loads(run_command(a, b, "--format", "json").stdout)] == ["kl", "w2"]
    one = json.loads(run_command(a, b, "--format", "json", "--metrics", "w2").stdout)
    assert one == rows[1:2], "the choice of metrics changes no p"
    found = compare(Run(a), Run(b))
    assert len(render(found, "csv").splitlines()) == 4
    assert "| m | W2 | 3 | 1.1" in render(found, "md")
    show(found)
    text = capsys.readouterr().out
    assert "hold together with 95 %" in text
    assert "3 rows: 0 better, 1 worse, 1 as good, 1 open" in text
    assert "× 1.9" in text
    with pytest.raises(GenbenchError, match="no format"):
        render(found, "tex")


def test_ten_thousand_trials_take_seconds():
    import time

    rng = np.random.default_rng(0)
    sides = [
        Made(name, [trial(f"m{m}", s, f"d{d}", **{f"x{k}": float(rng.random()) for k in range(20)})
                    for m in range(10) for d in range(25) for s in range(10)]) for name in "ab"
    ]  # fmt: skip
    begin = time.process_time()
    assert len(compare(*sides).rows) == 5_000
    assert time.process_time() - begin < 10
