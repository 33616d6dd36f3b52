"""Runs of two machines become one: nothing is lost, and nothing is chosen in silence."""

import numpy as np
import pytest
import torch

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.runs.merge import Conflicts, merge
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture
def made(tmp_path):
    """Return a function that writes a run of (model, seed, score, changes of the spec)."""

    def write(name, *trials, time=EARLY, **more):
        store, keys = Store(tmp_path / name), []
        store.create()
        for model, seed, score, changes in trials:
            one = spec(model=model, seed=seed, **changes)
            made = record(one, metrics={"w2": score}, provenance={"time": time, "processor": name})
            store.write(made, {"samples": np.full((3, 2), score)}, {"w": torch.full((2,), score)})
            keys.append(one.key)
        store.log(keys[0]).parent.mkdir()
        store.log(keys[0]).write_text(name)
        store.write_run(RunRecord(name=name, trials=keys, requests=[{"command": ["genbench", name]}], **more))
        return RunData(store.path)

    return write


def test_trials_of_both_are_in_the_table_with_all_that_belongs_to_them(made, tmp_path):
    a = made("a", ("m", 0, 1.0, {}), ("m", 1, 2.0, {}), step_counts={"m": 5}, files={"x": "1"})
    b = made("b", ("m", 1, 2.0, {}), ("n", 0, 3.0, {}), step_counts={"m": 6}, files={"y": "2"})
    (b.path / "data").mkdir()
    (b.path / "data" / "mine.npz").write_bytes(b"1")
    before = {file: file.read_bytes() for run in (a, b) for file in run.path.rglob("*") if file.is_file()}
    out = tmp_path / "both"
    found = merge([a, b], out)
    assert found.trials == {str(a.path): 2, str(b.path): 1}
    assert not found.lines
    run = RunData(out)
    assert not run.problems
    assert [(t.model, t.seed, t.metrics["w2"]) for t in run.trials] == [("m", 0, 1.0), ("m", 1, 2.0), ("n", 0, 3.0)]
    for trial in run.trials:
        assert (run.samples(trial.key) == trial.metrics["w2"]).all()
        assert (run.store.weights(trial.key)["w"] == trial.metrics["w2"]).all()
    assert run.record.commands == ["genbench a", "genbench b"]
    assert run.record.step_counts == {"m": 5}
    assert run.record.files == {"x": "1", "y": "2"}
    assert run.store.log(run.trials[0].key).read_text() == "a"
    assert (out / "data" / "mine.npz").read_bytes() == b"1"
    assert {file: file.read_bytes() for file in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "both"]


CONFLICTS = {
    "other scores": ((("m", 0, 1.5, {})), "w2 is 1.0 and 1.5"),
    "other code": ((("m", 0, 1.0, {"sources": {"m.py": "2"}})), "code of m.py changed"),
    "another budget": ((("m", 0, 1.0, {"budget": "long"})), "budget changed: quick -> long"),
}


@pytest.mark.parametrize("kind", CONFLICTS)
def test_a_conflict_is_named_and_nothing_is_written(made, tmp_path, kind):
    trial, words = CONFLICTS[kind]
    runs = [made("a", ("m", 0, 1.0, {}), ("k", 0, 1.0, {})), made("b", trial, ("k", 0, 1.0, {}), time=LATE)]
    with pytest.raises(Conflicts, match="1 trial of these runs differ.*--prefer latest") as error:
        merge(runs, tmp_path / "c")
    (line,) = error.value.lines
    assert line.startswith("m on d, seed 0: ")
    assert words in line
    assert not (tmp_path / "c").exists()
    for prefer, expected in (("latest", 1), (str(runs[0].path), 0), (str(runs[1].path), 1)):
        found = merge(runs, tmp_path / f"c-{expected}-{len(prefer)}", prefer)
        (taken,) = [trial for trial in RunData(found.path).trials if trial.model == "m"]
        assert taken == runs[expected].trials[0]
        assert found.lines[0].endswith(f"; taken from {runs[expected].path}")


def test_nothing_is_overwritten(made, tmp_path):
    a, b = made("a", ("m", 0, 1.0, {})), made("b", ("n", 0, 1.0, {}))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for out in (tmp_path / "full", a.path, tmp_path / "full" / "x"):
        with pytest.raises(GenbenchError, match="nothing is overwritten"):
            merge([a, b], out)
    (tmp_path / "empty").mkdir()
    assert len(RunData(merge([a, b], tmp_path / "empty").path).trials) == 2


def test_a_request_that_is_none_is_refused(made, tmp_path):
    a, b = made("a", ("m", 0, 1.0, {})), made("b", ("n", 0, 1.0, {}))
    with pytest.raises(GenbenchError, match="two runs or more"):
        merge([a, a], tmp_path / "c")
    with pytest.raises(GenbenchError, match="none of these runs"):
        merge([a, b], tmp_path / "c", "elsewhere")


def test_links_to_places_outside_are_not_followed_and_damaged_trials_are_named(made, tmp_path):
    a, b = made("a", ("m", 0, 1.0, {}), ("k", 0, 1.0, {})), made("b", ("n", 0, 1.0, {}))
    (tmp_path / "secret").write_text("secret")
    samples = a.store.trials / f"{a.trials[0].key}.npz"
    samples.unlink()
    samples.symlink_to(tmp_path / "secret")
    (a.path / "data").mkdir()
    (a.path / "data" / "mine.npz").symlink_to(tmp_path / "secret")
    file = a.store.trials / f"{a.trials[1].key}.json"
    file.write_text(file.read_text().replace('"w2": 1.0', '"w2": 0.1'))
    found = merge([RunData(a.path), b], tmp_path / "c")
    assert [trial.model for trial in RunData(found.path).trials] == ["m", "n"]
    assert "its numbers are not those that were written" in found.notes[0]
    assert not [path for path in found.path.rglob("*") if path.is_file() and path.read_bytes() == b"secret"]
