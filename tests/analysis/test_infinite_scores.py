"""Infinite scores: they stay visible in every table and file, win nothing, and break no figure."""

import json
import math
import re
import warnings

import numpy as np
import pytest

from genbench.analysis.comparison import compare
from genbench.analysis.ranking import rankings
from genbench.core.registry import discover
from genbench.display import comparison as compared
from genbench.display.export import render
from genbench.display.notebook import run_html
from genbench.display.terminal import show
from genbench.report.run_page import run_page
from genbench.results import Run
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import Cost, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

METRICS = ("sliced_w2", "kl", "high_quality")
INF = math.inf
KL = {  # of three seeds
    "oracle": (0.0, 0.0, 0.0),
    "good": (0.10, 0.11, 0.12),
    "near": (0.12, 0.13, 0.11),
    "once": (0.01, INF, 0.01),
    "never": (INF, INF, INF),
    "spike": (-INF, -INF, -INF),
    "both": (INF, -INF, 0.1),
}


def stored(folder, scores=KL, name="infinite"):
    discover(groups=("metrics",))
    store, keys = Store(folder / name), []
    store.create()
    for data in ("moons", "ring"):
        for place, (model, values) in enumerate(scores.items()):
            for seed, kl in enumerate(values):
                one = spec(
                    model=model, model_name=model, dataset=data, dataset_name="moons", dataset_params={}, seed=seed,
                    metrics=METRICS, protocol={"samples": 50_000},
                )  # fmt: skip
                sliced = INF if model in ("never", "spike") and kl == INF else 0.02 + 0.01 * place + 0.001 * seed
                curve = [{"share": s, "steps": s, "train_seconds": s, "kl": kl} for s in (0.5, 1.0)]
                made = record(
                    one, family="f", role="oracle" if model == "oracle" else "model", likelihood="exact",
                    metrics={"sliced_w2": sliced, "kl": kl, "high_quality": INF if model == "spike" else 0.9},
                    curve=curve, cost=Cost(train_seconds=1.0 + place, samples_per_second=10.0, parameters=10 + place),
                )  # fmt: skip
                store.write(made, {"samples": np.zeros((50, 2))})
                keys.append(made.key)
    store.write_run(RunRecord(name=name, trials=keys))
    return store.path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(stored(tmp_path_factory.mktemp("runs")))


def cells(run, metric="kl"):
    return {row.model: row.metrics[metric] for row in run.leaderboard("kl").rows if row.dataset == "moons"}


def strict(text):
    """Read JSON as a parser does that knows no infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_files_are_strict_json_and_read_back_as_infinity(run):
    texts = [file.read_text() for file in run.store.trials.glob("never-moons-0-*.json")]
    assert strict(texts[0])["metrics"]["kl"] == "Infinity"
    values = {(t.model, t.seed): t.metrics["kl"] for t in run.trials}
    assert values["never", 0] == INF
    assert values["spike", 2] == -INF
    assert run.trial(next(t.key for t in run.trials if t.model == "never")).curve[0]["kl"] == INF
    frame = run.frame().query("metric == 'kl' and dataset == 'moons'").set_index(["model", "seed"])["value"]
    assert frame["never", 1] == INF
    assert frame["spike", 1] == -INF
    assert frame["good", 1] == 0.11


def test_a_worker_hands_infinity_to_its_parent():
    from genbench.core.strict_json import strict_json
    from genbench.storage.records import TrialRecord

    one = record(spec(), metrics={"kl": -INF, "nll": INF, "w2": None}, draws={"kl": [INF, 1.0]})
    text = strict_json(one.model_dump(mode="json", by_alias=True))
    strict(text)
    assert TrialRecord.model_validate_json(text).metrics == one.metrics
    assert TrialRecord.model_validate_json(text).draws == one.draws
    with pytest.raises(ValueError, match="Out of range"):
        strict_json({"unknown": math.nan})


def test_means_are_infinite_without_interval_ratio_or_mark(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cells(Run(run.path))
        sliced = cells(run, "sliced_w2")
    for model, mean in (("once", INF), ("never", INF), ("spike", -INF)):
        cell = found[model]
        assert (cell.mean, cell.low, cell.high, cell.ratio, cell.standard_error) == (mean, None, None, None, None)
        assert not cell.best
        assert not cell.tie
    assert found["both"] is None  # +∞ and −∞ have no mean
    assert found["good"].best
    assert found["near"].verdict == "open"
    assert {found[model].verdict for model in ("once", "never")} == {"worse"}
    assert found["never"].worse_by is None, "by how much is infinite"
    assert sliced["never"].mean == INF
    assert sliced["never"].ratio is None
    assert sliced["good"].ratio == pytest.approx(0.031 / 0.021)


def test_infinite_scores_are_last_whatever_their_sign_and_direction(run):
    order = [row.model for row in run.leaderboard("kl").rows if row.dataset == "moons"]
    assert order == ["oracle", "good", "near", "once", "never", "spike", "both"]
    order = [row.model for row in run.leaderboard("high_quality").rows if row.dataset == "moons"]
    assert order[-1] == "spike"  # +∞ where higher is better
    assert not cells(run, "high_quality")["spike"].best


def test_where_all_are_infinite_none_is_best(tmp_path):
    run = Run(stored(tmp_path, {"a": (INF, INF), "b": (INF, INF)}))
    assert not any(cell.best for cell in cells(run).values())


def test_a_ranking_counts_an_infinite_seed_as_a_failed_one(run):
    (one,) = rankings(run.leaderboard("kl"), "kl")
    assert [model.name for model in one.models][:2] == ["good", "near"]
    found = {model.name: model for model in one.models}
    assert found["good"].score.value == pytest.approx(0.11)
    assert (found["spike"].score.value, found["never"].score.value) == (INF, INF)
    assert {name: model.failures for name, model in found.items() if model.failures} == {
        "once": 2, "never": 6, "spike": 6, "both": 4,
    }  # fmt: skip
    assert [model.name for model in one.models][2] == "once", "behind all that never failed"


def test_every_format_shows_infinity(run, capsys):
    board = run.leaderboard("kl")
    show(board)
    text = capsys.readouterr().out
    scores = text.partition("cost")[0]
    lines = {line.split()[1]: line for line in scores.splitlines() if line.startswith("│")}
    assert " ∞ " in lines["never"]
    assert " -∞ " in lines["spike"]
    markdown, latex, table = (render(board, form) for form in ("md", "tex", "csv"))
    assert re.search(r"\| once \| 3 \| [^|]+ \| ∞ \|", markdown)
    assert "-∞" in markdown
    assert r"$\infty$" in latex
    assert "∞" not in latex
    assert ",inf," in table
    assert ",-inf," in table
    assert strict(render(board, "json"))
    assert {row["model"]: (row["metrics"]["kl"] or {}).get("mean") for row in strict(render(board, "json"))} == {
        "oracle": 0.0, "good": pytest.approx(0.11), "near": pytest.approx(0.12), "once": "Infinity",
        "never": "Infinity", "spike": "-Infinity", "both": None,
    }  # fmt: skip
    assert "∞" in run_html(run)


def test_figures_and_the_page_leave_infinity_out_and_say_so(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        figures = {name: run.figures(name) for name in ("forest", "heat_map", "pareto", "curve", "critical_difference")}
    for name in ("forest", "heat_map", "pareto", "curve"):
        assert figures[name], name
        for figure in figures[name].values():
            figure.draw_without_rendering()
            for panel in figure.axes:
                assert np.isfinite([*panel.get_xlim(), *panel.get_ylim()]).all()
    forest = [text.get_text() for figure in figures["forest"].values() for a in figure.axes for text in a.texts]
    assert "∞ →" in forest
    assert "← -∞" in forest
    heat = [text.get_text() for figure in figures["heat_map"].values() for a in figure.axes for text in a.texts]
    assert "∞" in heat
    notes = [figure.get_supxlabel() for figure in figures["pareto"].values()]
    assert "Beyond the axes: never ∞" in notes
    assert all("Infinite scores are left out." in figure.get_supxlabel() for figure in figures["curve"].values())
    page = run_page(run, figures=None)
    assert "Beyond the axes: <bdi>never</bdi>." in page
    assert 'data-key="Infinity"' in page


def test_a_run_without_a_finite_score_is_drawn_as_far_as_it_can(tmp_path):
    run = Run(stored(tmp_path, {"never": (INF, INF)}))
    for name in ("forest", "heat_map", "pareto", "curve", "seeds", "seed_samples"):
        for figure in run.figures(name).values():
            figure.draw_without_rendering()
    assert "∞" in run_page(run, figures=None)


def test_compare_gives_a_verdict_where_one_side_is_infinite_at_every_seed(run, tmp_path):
    other = {**KL, "good": (INF, INF, INF), "never": (0.1, 0.1, 0.2), "once": (0.01, 0.01, 0.01)}
    found = compare(run, Run(stored(tmp_path, other)))
    rows = {row.model: row for row in found.rows if row.metric == "kl" and row.dataset == "moons"}
    assert (rows["good"].verdict, rows["good"].difference) == ("worse", INF)
    assert rows["good"].reason == "infinite in B at 3 of 3 seeds"
    assert (rows["never"].verdict, rows["never"].difference) == ("better", -INF)
    assert (rows["once"].verdict, rows["once"].reason) == ("open", "infinite in A at 1 of 3 seeds")
    assert (rows["spike"].verdict, rows["spike"].difference) == ("open", None)
    assert rows["near"].p == 1
    assert strict(compared.render(found, "json"))
    assert "∞" in compared.render(found, "md")


def test_the_mean_over_draws_of_the_oracle_is_infinite_without_error():
    parts = [Evaluation(metrics={"kl": v, "w2": 1.0}, standard_errors={"kl": 0.1}) for v in (0.1, INF)]
    assert (mean := Evaluation.mean(parts)).metrics == {"kl": INF, "w2": 1.0}
    assert (mean.standard_errors, mean.draws) == ({}, {})
    parts = [Evaluation(metrics={"kl": v}) for v in (-INF, INF)]
    assert Evaluation.mean(parts).metrics == {"kl": None}
