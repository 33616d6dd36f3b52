"""run.json is derived from trials: damaged or gone it is rebuilt, of a newer schema it is refused; never just replaced."""

import json
import os
import time

import pytest

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.storage.records import RunRecord
from genbench.storage.run_record import edited_run, known, read_or_rebuilt
from genbench.storage.store import NewerSchema, Store
from trial_records import record, rewritten, spec

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.fixture
def store(tmp_path):
    """Two models with two seeds; of one of them a trial of older code, too."""
    store = Store(tmp_path / "run")
    store.create()
    keys = []
    for place, (model, seed, code, made) in enumerate(
        [("a", 0, "old", LATE), ("b", 0, "1", EARLY), ("a", 0, "1", "2026-01-03T00:00:00Z"), ("b", 1, "1", LATE)]
    ):
        one = spec(model=model, seed=seed, sources={"model": code})
        store.write(record(one, metrics={"w2": 1.0 + place}, provenance={"time": made}))
        keys.append(one.key)
    store.write_run(RunRecord(name="run", trials=keys[1:], requests=[{"command": ["genbench"]}]))
    return store


BROKEN = {
    "cut": lambda file: file.write_text(file.read_text()[:40]),
    "empty": lambda file: file.write_bytes(b""),
    "other fields": lambda file: file.write_text('{"name": 5}'),
    "a list": lambda file: file.write_text("[]"),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_table_is_rebuilt_of_the_latest_trials_and_nothing_is_written(store, fault):
    asked = store.read_run().trials
    file = store.path / "run.json"
    BROKEN[fault](file)
    before = file.read_bytes() if file.exists() else None
    run = RunData(store.path)
    assert [trial.key for trial in run.trials] == [asked[0], asked[2], asked[1]]  # as they were made
    (line,) = run.problems
    assert str(file) in line
    assert "rebuilt from 3 trials" in line
    assert "what was asked is lost" in line
    assert (file.read_bytes() if file.exists() else None) == before
    assert not list(store.path.glob("*.corrupt*"))


def repaired(store, say):
    """The record as it is changed, here by nothing."""
    with edited_run(store, say) as record:
        return record


def test_a_damaged_record_is_set_aside_once_and_the_rebuilt_one_written(store):
    file, said = store.path / "run.json", []
    for name in ("run.json.corrupt", "run.json.corrupt-2"):
        BROKEN["cut"](file)
        damaged = file.read_text()
        found = repaired(store, said.append)
        assert len(found.trials) == 3
        assert (store.path / name).read_text() == damaged
        assert said.pop().endswith(f"set aside as {name}")
        assert store.read_run() == repaired(store, said.append) == found
        assert not said


def test_a_newer_schema_is_refused_by_all_and_stays(store):
    file = store.path / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 99}))
    before = file.read_bytes()
    for call in (read_or_rebuilt, known, lambda store: repaired(store, print), lambda store: RunData(store.path)):
        with pytest.raises(NewerSchema, match="upgrade genbench"):
            call(store)
    assert file.read_bytes() == before


def test_a_trial_that_cannot_be_read_is_in_the_table_so_that_it_is_named(store):
    (store.path / "run.json").unlink()
    broken = next(key for key in store.finished() if key.startswith("b"))
    (store.trials / f"{broken}.json").write_text("{")
    run = RunData(store.path)
    assert len(run.trials) == 2
    assert len(run.problems) == 2
    assert broken in run.problems[1]


def test_of_records_that_do_not_say_when_they_ran_the_latest_file_counts(store):
    old, new = (key for key in store.finished() if key.startswith("a"))
    for key, age in ((old, 0), (new, 3600)):
        name = rewritten(store.trials / f"{key}.json", provenance={})
        os.utime(store.trials / f"{name}.json", (time.time() - age,) * 2)
    (store.path / "run.json").unlink()
    assert old in read_or_rebuilt(store)[0].trials
    assert new not in read_or_rebuilt(store)[0].trials


def test_where_there_is_nothing_there_is_no_run(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    with pytest.raises(GenbenchError, match="is not a run"):
        read_or_rebuilt(store)
    assert known(store).trials == []
    assert not (store.path / "run.json").exists()
    (store.path / "run.json").write_text("{")
    with pytest.raises(GenbenchError, match="not whole JSON"):
        read_or_rebuilt(store)
    said = []
    assert repaired(store, said.append).trials == []
    assert "set aside as run.json.corrupt" in said[0]
