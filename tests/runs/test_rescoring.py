"""Rescoring: what is computed again from the store equals what was computed when the model was trained."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import genbench
from genbench.cli.rescore import rescore as command
from genbench.contracts.evidence import Protocol
from genbench.core.errors import GenbenchError
from genbench.runs.plan import make_plan
from genbench.runs.reload import Trained, reload
from genbench.runs.rescoring import rescore
from trial_records import rewritten

SAMPLES = 1000
METRICS = "sliced_w2,kl"
PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture(scope="module")
def plugins(good):
    return [good, str(PLUGINS / "swept.py")]


@pytest.fixture(scope="module")
def template(tmp_path_factory, plugins):
    """A torch model, a classic one and a control, two seeds, in this process."""
    return genbench.run(
        "affine,standard_normal,gaussian", "blob", seeds=2, budget="30", results=tmp_path_factory.mktemp("runs"), name="t",
        jobs=0, plugins=plugins, samples=SAMPLES, metrics=METRICS, progress=False, say=lambda _: None,
    )  # fmt: skip


@pytest.fixture
def run(template, tmp_path):
    shutil.copytree(template.path, tmp_path / "r")
    return genbench.load_run(tmp_path / "r")


def again(run, **options):
    """Rescore in this process; return the report and the run as it is then."""
    return rescore(run, **{"jobs": 0, "progress": False} | options), genbench.load_run(run.path)


def scores(run):
    return {(t.model, t.seed): t.metrics for t in run.trials}


def planned(run, plugins, metrics, samples):
    plan = make_plan("affine,standard_normal,gaussian", "blob", 2, "30", metrics, "generate", Protocol(samples=samples))
    return {spec.key for spec in plan.trials}


def test_old_scores_are_reproduced_and_the_new_metric_is_added(run, plugins):
    report, after = again(run, metrics="sliced_w2,kl,spread,nll")
    assert not report.kept
    before = scores(run)
    for row, metrics in scores(after).items():
        for name, value in before[row].items():
            assert metrics[name] == pytest.approx(value, rel=1e-12), (row, name)
    for trial in after.trials:
        if trial.role != "oracle":
            expected = run.samples(next(t.key for t in run.trials if (t.model, t.seed) == (trial.model, trial.seed)))
            assert trial.metrics["spread"] == pytest.approx(expected.std(), rel=1e-12)
    assert "spread: new" in report.changes
    assert "kl: 8 scores as before, 0 changed" in report.changes


def test_the_keys_are_those_that_run_would_ask_for(run, plugins):
    _, after = again(run, metrics="sliced_w2,spread")
    assert set(after.record.trials) == planned(run, plugins, "sliced_w2,spread", SAMPLES)
    said = []
    genbench.run(
        "affine,standard_normal,gaussian", "blob", seeds=2, budget="30", results=run.path.parent, name="r", jobs=0,
        plugins=plugins, samples=SAMPLES, metrics="sliced_w2,spread", progress=False, say=said.append,
    )  # fmt: skip
    assert any("8 of 8 trials are finished already" in line for line in said)


def test_more_samples_are_what_a_new_run_would_have_drawn(run, plugins, tmp_path):
    report, after = again(run, samples=1500)
    fresh = genbench.run(
        "affine,standard_normal,gaussian", "blob", seeds=2, budget="30", results=tmp_path, name="fresh", jobs=0,
        plugins=plugins, samples=1500, metrics=METRICS, progress=False, say=lambda _: None,
    )  # fmt: skip
    assert set(after.record.trials) == set(fresh.record.trials)
    assert scores(after) == scores(fresh)
    for key in after.record.trials:
        np.testing.assert_array_equal(after.samples(key), fresh.samples(key))
    assert any("standard_normal" in note and "again in" in note for note in report.notes)
    assert not any(note.startswith(("affine", "oracle")) for note in report.notes)


def test_fewer_samples_are_the_first_of_those_stored(run):
    _, after = again(run, samples=400)
    for old, new in zip(run.trials, after.trials, strict=True):
        if old.role != "oracle":
            np.testing.assert_array_equal(after.samples(new.key), run.samples(old.key)[:400])


def test_nothing_is_lost_and_costs_stay(run):
    files = {file: file.read_bytes() for file in (run.path / "trials").iterdir()}
    _, after = again(run, metrics="spread")
    assert all(file.read_bytes() == content for file, content in files.items())
    for old, new in zip(run.trials, after.trials, strict=True):
        assert (new.cost, new.history, new.likelihood, new.diagnostics) == (
            old.cost,
            old.history,
            old.likelihood,
            old.diagnostics,
        )
        assert new.key != old.key
        if old.model == "affine":
            assert [flag.text for flag in new.flags] == ["affine is trained for tests only"]
            mine, theirs = (run.store.trials / f"{key}.safetensors" for key in (new.key, old.key))
            assert os.path.samefile(mine, theirs)


def test_the_same_again_changes_nothing(run):
    times = {file: file.stat().st_mtime_ns for file in (run.path / "trials").iterdir()}
    report, after = again(run)
    assert {file: file.stat().st_mtime_ns for file in (run.path / "trials").iterdir()} == times
    assert after.record.trials == run.record.trials
    assert report.changes == ["sliced_w2: 8 scores as before, 0 changed", "kl: 8 scores as before, 0 changed"]


def test_what_cannot_be_rescored_is_kept_and_named(run):
    first, second = (next(t for t in run.trials if t.model == m) for m in ("affine", "standard_normal"))
    (run.store.trials / f"{first.key}.safetensors").unlink()
    (run.store.trials / f"{second.key}.npz").unlink()
    report, after = again(run, samples=1200)
    assert {line.partition(",")[0] for line in report.kept} == {"affine on blob", "standard_normal on blob"}
    assert any("weights are not stored" in line for line in report.kept)
    assert any("samples are not stored" in line for line in report.kept)
    assert {first.key, second.key} <= set(after.record.trials)
    assert len(after.trials) == 8


def test_changed_model_code_scores_stored_samples_but_draws_no_more(run):
    """The new key still names the old code, so that `run` trains the changed model anew."""
    for trial in run.trials:
        if trial.model == "affine":
            content = json.loads((run.store.trials / f"{trial.key}.json").read_text())
            content["spec"]["sources"]["model"] = "older"
            rewritten(run.store.trials / f"{trial.key}.json", spec=content["spec"])
    run = genbench.load_run(run.path)
    report, after = again(run, metrics="sliced_w2,nll")
    assert not report.kept
    mine = [t for t in after.trials if t.model == "affine"]
    assert {t.spec.sources["model"] for t in mine} == {"older"}
    report, _ = again(after, samples=1200)
    assert len(report.kept) == 2
    assert all("code of model affine changed" in line for line in report.kept)


def test_a_score_that_moved_is_told(run):
    key = next(t.key for t in run.trials if t.model == "gaussian" and t.seed == 1)
    content = json.loads((run.store.trials / f"{key}.json").read_text())
    content["metrics"]["kl"] += 0.5
    rewritten(run.store.trials / f"{key}.json", metrics=content["metrics"])
    report, _ = again(genbench.load_run(run.path), metrics="kl,spread")
    line = next(line for line in report.changes if line.startswith("kl"))
    assert "7 scores as before, 1 changed" in line
    assert "gaussian on blob, seed 1" in line
    assert "sliced_w2: not asked for any more" in report.changes


def test_two_workers_give_the_numbers_of_none(run, template, tmp_path):
    shutil.copytree(template.path, tmp_path / "w")
    _, alone = again(run, metrics="sliced_w2,spread")
    _, both = again(genbench.load_run(tmp_path / "w"), metrics="sliced_w2,spread", jobs=2)
    assert scores(alone) == scores(both)
    assert alone.record.trials == both.record.trials


def test_a_wrong_request_changes_nothing(run):
    for options, words in (({"metrics": "w3"}, "did you mean w2"), ({"samples": 1}, "too few")):
        with pytest.raises(GenbenchError, match=words):
            again(run, **options)
    assert genbench.load_run(run.path).record == run.record


@pytest.mark.filterwarnings("ignore:affine is trained for tests")
def test_restored_weights_draw_the_stored_samples_bit_by_bit(run):
    for trial in (t for t in run.trials if t.model == "affine"):
        estimator = reload(Trained(trial.spec, run.store.weights(trial.key), "trained"))
        drawn = estimator.sample(SAMPLES, seed=trial.seed).astype(np.float32)
        np.testing.assert_array_equal(drawn, run.samples(trial.key).astype(np.float32))


def test_the_command_writes_tables_and_figures_and_says_what_changed(run):
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [str(run.path), "--metrics", "sliced_w2,spread", "--jobs", "0", "-q"])
    assert done.exit_code == 0, done.output
    assert "sliced_w2: 8 scores as before, 0 changed" in done.output
    assert "spread: new" in done.output
    assert "spread" in (run.path / "leaderboard.csv").read_text()
    assert (run.path / "figures" / "speed.png").exists()


ZOO = ("cfm", "ddpm", "edm", "ar", "coupling_flow", "spline_flow", "maf", "vae", "gan", "rectified_flow")


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_model_is_restored_whole(name):
    moons = genbench.load_dataset("moons")
    x, held_out = moons.sample(300), moons.sample(30, seed=1)
    fitted = genbench.load_model(name).fit(x, held_out, budget="3")
    restored = genbench.load_model(name).restore(fitted.weights(), x)
    np.testing.assert_array_equal(restored.sample(7, seed=4), fitted.sample(7, seed=4))


def test_weights_that_do_not_fit_are_named():
    x = np.random.default_rng(0).normal(size=(50, 2))
    fitted = genbench.load_model("cfm", hidden=8).fit(x, budget="1")
    weights = fitted.weights()
    with pytest.raises(GenbenchError, match=r"has shape \(8.*instead of \(9"):
        genbench.load_model("cfm", hidden=9).restore(weights, x)
    name = min(weights)
    with pytest.raises(GenbenchError, match=f"missing {name}; unexpected other"):
        genbench.load_model("cfm", hidden=8).restore({"other" if n == name else n: w for n, w in weights.items()}, x)
    with pytest.raises(GenbenchError, match="gmm has no weights"):
        genbench.load_model("gmm").restore({}, x)


def test_what_a_new_metric_asks_of_the_model_is_computed_from_its_weights(run, plugins):
    """The shares of `self_consistency` are those of a run that asked for them; one whose weights are gone has none."""
    trained = {t.seed: t for t in run.trials if t.model == "affine"}
    (run.path / "trials" / f"{trained[0].key}.safetensors").unlink()
    report, after = again(run, metrics="self_consistency")
    fresh = genbench.run(
        "affine", "blob", seeds=2, budget="30", results=run.path.parent, name="fresh", jobs=0, plugins=plugins,
        samples=SAMPLES, metrics="self_consistency", progress=False, say=lambda _: None,
    )  # fmt: skip
    assert not report.kept
    found, wanted = scores(after), scores(fresh)
    assert found["affine", 0] == {"self_consistency": None}
    assert found["affine", 1] == wanted["affine", 1]
    assert found["affine", 1]["self_consistency"] < 0.2
