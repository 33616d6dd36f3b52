"""Which results keep their worth when code was rewritten: those whose numbers are proved to be the same."""

import json

import pytest

from benchmark_scripts import script
from genbench.analysis.run_data import RunData
from genbench.core.registry import discover
from genbench.runs.plan import make_plan
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record

OLD = {"metric sliced_w2": "an earlier one"}


@pytest.fixture(scope="module")
def restamp():
    with script("restamp") as module:
        yield module


@pytest.fixture(scope="module")
def spec():
    discover()
    plan = make_plan("gaussian", "moons", [0], "smoke", "sliced_w2,kl")
    return next(one for one in plan.trials if one.model == "gaussian")


def run_of(folder, spec, **scores):
    store = Store(folder)
    store.create()
    store.write(record(spec, metrics={"sliced_w2": 0.1, "kl": 0.2} | scores))
    store.write_run(RunRecord(name=folder.name, trials=[spec.key]))
    return RunData(folder)


def earlier(spec, **sources):
    return spec.model_copy(update={"sources": spec.sources | sources})


def given_keys(restamp, run, equal):
    restamp.restamp(run.path, {}, {}, set(), equal)
    again = RunData(run.path)
    assert len(again.trials) == 1
    assert not again.problems
    return [trial.key for trial in again.trials]


def test_a_run_with_the_same_bits_proves_what_differs_in_its_digests(restamp, spec, tmp_path):
    then = earlier(spec, **OLD)
    old, new = run_of(tmp_path / "old", then), run_of(tmp_path / "new", spec)
    assert restamp.same_bits(old, new) == {"generate"}
    equal = restamp.equal_code(old, new)
    assert given_keys(restamp, run_of(tmp_path / "kept", then), equal) == [spec.key]
    assert json.loads((tmp_path / "kept" / "trials" / f"{spec.key}.json").read_text())["key"] == spec.key
    assert given_keys(restamp, run_of(tmp_path / "today", spec), equal) == [spec.key]


def test_what_is_not_proved_stays(restamp, spec, tmp_path):
    then = earlier(spec, **OLD)
    kept = run_of(tmp_path / "kept", then)
    assert given_keys(restamp, kept, set()) == [then.key]
    old, new = run_of(tmp_path / "old", then, sliced_w2=None), run_of(tmp_path / "new", spec, sliced_w2=None)
    assert given_keys(restamp, kept, restamp.equal_code(old, new)) == [then.key], "it gave no score"
    other = earlier(spec, **OLD, model="another")
    proved = restamp.equal_code(run_of(tmp_path / "first", then), run_of(tmp_path / "second", spec))
    assert given_keys(restamp, run_of(tmp_path / "other", other), proved) == [other.key]


def test_other_scores_prove_nothing(restamp, spec, tmp_path):
    old, new = run_of(tmp_path / "old", earlier(spec, **OLD)), run_of(tmp_path / "new", spec, sliced_w2=0.1000001)
    with pytest.raises(SystemExit, match="has other scores"):
        restamp.same_bits(old, new)


def test_a_metric_without_a_score_needs_no_proof(restamp, spec, tmp_path):
    then = earlier(spec, **OLD)
    assert given_keys(restamp, run_of(tmp_path / "kept", then, sliced_w2=None), set()) == [spec.key]
