"""Runs from end to end, with plugins that are quick and plugins that break."""

import json
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchError
from trial_records import outcome

QUICK = {"samples": 1000, "metrics": "sliced_w2,kl,nll,w2", "progress": False}


@pytest.fixture(scope="module")
def first(tmp_path_factory, good):
    """Two models on two datasets, three seeds, in two worker processes."""
    return genbench.run(
        ["standard_normal", "standard_normal[width=2]", "gaussian"], ["blob", "blob[shift=5]"], seeds=3, budget="smoke",
        results=tmp_path_factory.mktemp("runs"), name="first", jobs=2, plugins=[good], say=lambda _: None, **QUICK,
    )  # fmt: skip


def test_every_model_dataset_and_seed_has_a_trial_and_the_oracle_too(first):
    found = {(t.model, t.dataset, t.seed) for t in first.trials}
    models = ("oracle", "standard_normal", "standard_normal[width=2.0]", "gaussian")
    assert found == {(m, d, s) for m in models for d in ("blob", "blob[shift=5.0]") for s in range(3)}
    assert all(t.status == "ok" for t in first.trials), [t.error for t in first.trials]


def test_scores_are_known_values(first):
    rows = {(r.model, r.dataset): r for r in first.leaderboard().rows}
    # KL(N(0, 1) ‖ N(0, 2²)) = ln 2 − 3/8 per axis; both axes are standardised with 20,000 points.
    wide = rows["standard_normal[width=2.0]", "blob"].metrics["kl"].mean
    assert wide == pytest.approx(2 * (np.log(2) - 3 / 8), abs=0.02)
    assert rows["standard_normal", "blob"].metrics["kl"].mean == pytest.approx(0, abs=2e-3)
    assert rows["oracle", "blob"].metrics["kl"].mean == 0
    # W2 between round Gaussians of widths 1 and 2 is √2.
    assert rows["standard_normal[width=2.0]", "blob"].metrics["w2"].mean == pytest.approx(np.sqrt(2), abs=0.12)


def test_scores_are_in_the_datas_own_units(first):
    rows = {(r.model, r.dataset): r for r in first.leaderboard().rows}
    assert rows["gaussian", "blob"].metrics["nll"].mean == pytest.approx(1 + np.log(2 * np.pi), abs=0.02)


def test_one_job_gives_the_numbers_of_two(first, tmp_path, good):
    again = genbench.run(
        ["standard_normal", "standard_normal[width=2]", "gaussian"], ["blob", "blob[shift=5]"], seeds=3, budget="smoke",
        results=tmp_path, name="first", jobs=1, plugins=[good], say=lambda _: None, **QUICK,
    )  # fmt: skip
    mine, theirs = outcome(first), outcome(again)
    assert mine == theirs
    for key in first.record.trials:
        np.testing.assert_array_equal(first.samples(key), again.samples(key))


def test_nothing_is_run_twice(first, good):
    said = []
    times = {f: f.stat().st_mtime_ns for f in (first.path / "trials").iterdir()}
    genbench.run(
        "standard_normal", "blob", seeds=3, budget="smoke", results=first.path.parent, name="first", plugins=[good],
        say=said.append, **QUICK,
    )  # fmt: skip
    assert {f: f.stat().st_mtime_ns for f in (first.path / "trials").iterdir()} == times
    assert any("6 of 6 trials are finished already" in line for line in said)
    assert len(genbench.load_run(first.path).trials) == 24, "a smaller request takes nothing from the table"


def test_the_frame_is_tidy(first):
    frame = first.frame()
    assert len(frame) == sum(len(t.metrics) for t in first.trials)
    assert {"model", "dataset", "seed", "metric", "value", "standard_error"} <= set(frame.columns)
    by_hand = frame.query("model == 'gaussian' and dataset == 'blob' and metric == 'w2'")["value"].mean()
    row = next(r for r in first.leaderboard().rows if (r.model, r.dataset) == ("gaussian", "blob"))
    assert by_hand == pytest.approx(row.metrics["w2"].mean)


def test_real_data_are_scored_on_held_out_points_in_standard_deviations(tmp_path):
    run = genbench.run(
        "gaussian,memoriser", "wine", seeds=2, results=tmp_path, jobs=1, say=lambda _: None, progress=False
    )
    assert {t.status for t in run.trials} == {"ok"}
    rows = {r.model: r for r in run.leaderboard().rows}
    assert rows["oracle"].metrics["nll"] is None, "the density of real data is not known"
    assert rows["gaussian"].metrics["kl"] is None
    assert rows["gaussian"].metrics["nll"].mean > 0
    assert 1 < rows["oracle"].metrics["w2"].mean < 5, "13 columns of unit scale; in raw units proline alone makes it 70"


def test_a_trial_file_has_what_it_promises(first):
    content = json.loads(next((first.path / "trials").glob("*.json")).read_text())
    assert {
        "schema",
        "model",
        "dataset",
        "seed",
        "params",
        "budget",
        "status",
        "metrics",
        "likelihood",
        "cost",
        "error",
    } <= content.keys()
    assert {
        "train_seconds", "steps", "sample_seconds", "samples_per_second", "parameters", "nfe", "peak_memory_mb",
    } <= content["cost"].keys()  # fmt: skip
    environment = json.loads((first.path / "run.json").read_text())["environment"]
    assert {"python", "libraries", "processor", "commit", "command"} <= environment.keys()


EXPECTED = {
    "raises": ("crashed", "fit", "the plugin's own words"),
    "wrong_shape": ("invalid_samples", "sample", "gave shape"),
    "nan_samples": ("invalid_samples", "sample", "NaN or infinite"),
    "nan_density": ("crashed", "log_prob", "gave NaN"),
    "hangs": ("timeout", "sample", "stopped after"),
    "dies": ("crashed", "fit", "exit code 3"),
    "killed": ("crashed", "fit", "killed twice, from outside or by itself (SIGKILL), and not for want of memory"),
    "hog": ("out_of_memory", "fit", "allocate"),
    "explodes": ("diverged", "fit", "loss is inf"),
}


@pytest.fixture(scope="module")
def misbehaved(tmp_path_factory, good, bad):
    said = []
    run = genbench.run(
        ["misbehaving", "standard_normal"], "blob", seeds=1, budget="smoke", results=tmp_path_factory.mktemp("runs"),
        name="bad", jobs=2, timeout=12, plugins=[good, bad], say=said.append, **QUICK,
    )  # fmt: skip
    return run, said


def test_more_training_points_on_request(tmp_path, good):
    run = genbench.run(
        "gaussian", "blob", seeds=1, budget="smoke", results=tmp_path, jobs=0, plugins=[good], train=200,
        say=lambda _: None, **QUICK,
    )  # fmt: skip
    kl = {t.model: t.metrics["kl"] for t in run.trials}["gaussian"]
    assert kl > 3e-3, "5 parameters of 200 points cost 5/400 nats on average; of 20,000 points 1e-4"
    with pytest.raises(GenbenchError, match="train=1 is too few; ask for at least 2"):
        genbench.run("gaussian", "blob", train=1, results=tmp_path, plugins=[good], say=lambda _: None)


def test_a_failure_is_a_row_and_everything_else_finishes(misbehaved):
    run, said = misbehaved
    by_model = {t.model: t for t in run.trials}
    found = {m: (by_model[m].status, by_model[m].error.phase) for m in EXPECTED}
    assert found == {m: e[:2] for m, e in EXPECTED.items()}
    for model, (status, phase, words) in EXPECTED.items():
        assert words in by_model[model].error.message
        assert all(v is None for v in by_model[model].metrics.values())
        line = next(line for line in said if line.startswith(f"{model} on blob"))
        assert status in line
        assert phase in line
        assert "\n" not in line
    assert by_model["standard_normal"].status == by_model["oracle"].status == "ok"
    assert "the plugin's own words" in by_model["raises"].error.traceback


def test_failures_are_kept_unless_asked_to_retry(misbehaved, good, bad):
    run, _ = misbehaved
    for retry, expected in ((False, "2 of 2 trials are finished"), (True, "1 of 2 trials are finished")):
        said = []
        genbench.run(
            "raises", "blob", seeds=1, budget="smoke", results=run.path.parent, name="bad", jobs=1, plugins=[good, bad],
            say=said.append, retry_failed=retry, **QUICK,
        )  # fmt: skip
        assert any(expected in line for line in said), said


def test_nan_in_the_data_is_named(tmp_path, good, bad):
    run = genbench.run(
        "gaussian",
        "holes",
        seeds=1,
        budget="smoke",
        results=tmp_path,
        plugins=[good, bad],
        jobs=1,
        say=lambda _: None,
        **QUICK,
    )
    assert {t.status for t in run.trials} == {"crashed"}
    assert run.trials[0].error.message == "holes: 1 of 100 rows hold NaN or infinite values; drop or impute them"


def test_a_corrupt_trial_is_named_set_aside_and_run_again(tmp_path, good):
    def run():
        said = []
        done = genbench.run(
            "standard_normal",
            "blob",
            seeds=2,
            budget="smoke",
            results=tmp_path,
            name="c",
            jobs=1,
            plugins=[good],
            say=said.append,
            **QUICK,
        )
        return done, said

    done, _ = run()
    before = outcome(done)
    victim = done.path / "trials" / f"{done.record.trials[1]}.json"
    victim.write_text(victim.read_text()[:100])
    loaded = genbench.load_run(done.path)
    assert len(loaded.trials) == 3
    assert victim.name in loaded.problems[0]
    again, said = run()
    assert any(victim.name in line and "set aside" in line for line in said)
    assert (victim.parent / f"{victim.name}.corrupt").exists()
    assert outcome(again) == before


def test_changed_code_is_a_new_trial_and_why_says_so(tmp_path, good, genbench_cli):
    plugin = tmp_path / "mine.py"
    source = Path(good).read_text().replace('"blob"', '"blob2"').replace('"standard_normal"', '"mine"')
    plugin.write_text(source)
    command = (
        "run",
        "--models",
        "mine",
        "--data",
        "blob2",
        "--seeds",
        "1",
        "--samples",
        "500",
        "--metrics",
        "sliced_w2",
        "--jobs",
        "0",
        "--plugin",
        str(plugin),
        "--results",
        str(tmp_path),
        "--name",
        "r",
        "-q",
    )
    genbench_cli(*command)
    plugin.write_text(source.replace('"""Ignores', '"""Forgets').replace("class Blob", "# a comment\nclass Blob"))
    assert "0 of 2 trials would run" in genbench_cli(*command, "--why").stdout, "comments and docstrings do not count"
    plugin.write_text(source.replace("self.offset + self.width", "self.offset + 1.01 * self.width"))
    assert "mine on blob2, seed 0: code of model mine changed" in genbench_cli(*command, "--why").stdout
    genbench_cli(*command)
    run = genbench.load_run(tmp_path / "r")
    assert len(run.trials) == 2, "the new trial takes the old one's place in the table"
    assert len(run.store.finished()) == 3, "the old file stays, and the oracle, whose code is what it was, is not run"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"models": "cmf"}, "no model 'cmf'; did you mean cfm"),
        ({"datasets": "mons"}, "no dataset 'mons'; did you mean moons"),
        ({"metrics": "w3"}, "no metric 'w3'; did you mean w2"),
        ({"models": "cfm[hiden=3]"}, "no parameter 'hiden'"),
        ({"models": "cfm[hidden=wide]"}, "hidden must be a whole number"),
        ({"datasets": "moons[noise=-1]"}, "noise must be at least 0.001"),
        ({"seeds": 0}, "leaves nothing to run"),
        ({"seeds": "a"}, "neither a number of seeds"),
        ({"seeds": "-1"}, "neither a number of seeds"),
        ({"budget": "quik"}, "budget 'quik'.*did you mean quick"),
        ({"samples": 1}, "too few"),
        ({"threads": 0}, "threads=0 must be at least 1"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_runs(tmp_path, request_, message):
    with pytest.raises(GenbenchError, match=message) as caught:
        genbench.run(**{"models": "gaussian", "datasets": "moons"} | request_, results=tmp_path, say=lambda _: None)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
