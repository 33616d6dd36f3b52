"""What `genbench verify` says of runs that are as they were, and of those that are not."""

import json
import shutil

import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.main import app
from genbench.core.errors import GenbenchError
from genbench.runs.repeat import agreement
from genbench.runs.verify import check_files, verify
from trial_records import record, rewritten, spec


@pytest.fixture(scope="module")
def template(tmp_path_factory, good):
    return genbench.run(
        "standard_normal", "blob", 2, budget="3", samples=200, metrics="sliced_w2,kl", jobs=0, progress=False, name="r",
        results=tmp_path_factory.mktemp("verify"), plugins=[good], say=lambda _: None,
    ).path  # fmt: skip


@pytest.fixture
def run(template, tmp_path):
    shutil.copytree(template, tmp_path / "r")
    return genbench.load_run(tmp_path / "r")


def call(*arguments, code=0):
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    assert done.exit_code == code, done.output + str(done.exception)
    return done.output


def states(store):
    return {
        one.file.removeprefix("trials/"): (one.state, one.reason) for one in check_files(store, store.read_run().trials)
    }


def test_all_trials_give_the_same_scores_to_the_bit(run, good):
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    found = verify(run, None, plugins=[good], jobs=0)
    assert {one.agreement for one in found.repeated} == {"bit"}
    assert len(found.repeated) == 4
    assert {one.scores for one in found.repeated} == {2}
    assert not found.wrong
    assert not any(one.environment for one in found.repeated)
    assert {file: file.read_bytes() for file in before} == before


def test_a_sample_is_chosen_by_a_seed(run, good):
    chosen = [[one.key for one in verify(run, 2, seed, jobs=0, plugins=[good]).repeated] for seed in (1, 1)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 2


def test_a_score_that_is_not_what_the_trial_gives_is_told_with_both_values(run, good):
    """Without digests, as an older record: only running again finds it."""
    trial = run.trials[-1]
    rewritten(run.store.trials / f"{trial.key}.json", metrics={**trial.metrics, "kl": trial.metrics["kl"] * (1 + 1e-9)})
    (one,) = [
        one
        for one in verify(genbench.load_run(run.path), None, plugins=[good], jobs=0).repeated
        if one.key == trial.key
    ]
    assert one.agreement == "rounding"
    assert one.largest == pytest.approx(1e-9, rel=1e-3)
    rewritten(run.store.trials / f"{trial.key}.json", metrics={**trial.metrics, "kl": 5.0})
    out = call(run.path, "--all", "--plugin", good, "--jobs", 0, code=1)
    assert "standard_normal on blob, seed 1: DIFFERENT, at most" in out
    assert f"(kl: 5.0 before, {trial.metrics['kl']} now)" in out


def test_what_cannot_be_repeated_says_why(run, good):
    trial = run.trials[-1]
    sources = {**trial.spec.sources, "model": "older"}
    rewritten(run.store.trials / f"{trial.key}.json", spec=trial.spec.model_dump(mode="json") | {"sources": sources})
    out = call(run.path, "--all", "--plugin", good, "--jobs", 0)
    assert "standard_normal on blob, seed 1: not run again: code of model standard_normal changed" in out


def test_files_are_named_by_what_became_of_them(run):
    a, b, c, d = (run.store.trials / f"{trial.key}.json" for trial in run.trials)
    a.write_text(a.read_text().replace('"kl": ', '"kl": 1'))
    b.with_suffix(".npz").unlink()
    c.with_suffix(".npz").write_bytes(c.with_suffix(".npz").read_bytes()[:-1])
    rewritten(d)
    found = states(run.store)
    assert found[a.name] == ("changed", "is corrupt: its numbers are not those that were written")
    assert found[b.name] == ("unchanged", "")
    assert found[b.with_suffix(".npz").name][0] == "missing"
    assert found[c.with_suffix(".npz").name][0] == "changed"
    assert found[d.name][0] == found[d.with_suffix(".npz").name][0] == "without digests"
    out = call(run.path, "--trials", 0, code=1)
    assert f"changed: trials/{a.name} is corrupt" in out
    assert f"missing: trials/{b.stem}.npz" in out


def test_samples_that_are_all_left_out_are_no_fault(run):
    for file in run.store.trials.glob("*.npz"):
        file.unlink()
    assert "not here: the samples of all trials" in call(run.path, "--trials", 0)


def test_a_record_that_run_json_names_and_that_is_gone_is_a_fault(run):
    (run.store.trials / f"{run.trials[0].key}.json").unlink()
    out = call(run.path, "--trials", 0, "--format", "json", code=1)
    found = json.loads(out)
    assert not found["agrees"]
    assert [one["file"] for one in found["files"] if one["state"] == "missing"] == [f"trials/{run.trials[0].key}.json"]


def test_wrong_requests_are_refused(run):
    with pytest.raises(GenbenchError, match="both say how many trials to run"):
        CliRunner().invoke(app, ["verify", str(run.path), "--all", "--trials", "2"], catch_exceptions=False)
    with pytest.raises(GenbenchError, match="is not a run"):
        CliRunner().invoke(app, ["verify", str(run.path / "x")], catch_exceptions=False)


def test_agreement_of_scores():
    def two(a, b, **facts):
        return agreement(record(spec(), metrics={"w2": a}), record(spec(), metrics={"w2": b}, **facts))

    assert two(1.0, 1.0).kind == two(None, None).kind == two(float("inf"), float("inf")).kind == "bit"
    assert two(1.0, 1.0 + 1e-7).kind == "rounding"
    assert two(1.0, 1.0 + 1e-5).kind == two(1.0, None).kind == two(1.0, float("inf")).kind == "different"
    assert two(1.0, 1.0, status="crashed").words == "ok before, crashed now"
