import hashlib
import json

import numpy as np
import pytest
import torch

from genbench.core.errors import GenbenchError
from genbench.storage.keys import KEYS
from genbench.storage.store import CorruptFile, Store
from trial_records import record, rewritten, spec


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    return store


def test_what_is_written_is_read_back(store):
    s, x = spec(), np.random.default_rng(0).normal(size=(7, 2))
    store.write(record(s), {"samples": x.astype(np.float32)}, {"w": torch.arange(3.0)})
    assert store.read(s.key) == record(s)
    np.testing.assert_array_equal(store.samples(s.key), x.astype(np.float32))
    from safetensors.torch import load_file

    assert load_file(store.trials / f"{s.key}.safetensors")["w"].tolist() == [0, 1, 2]
    assert json.loads((store.trials / f"{s.key}.json").read_text())["schema"] == 2


def test_a_history_in_rows_as_older_files_have_it_is_read_by_column(store):
    s = spec()
    store.write(record(s))
    file = store.trials / f"{s.key}.json"
    rows = [{"step": 1.0, "loss": 3.0}, {"step": 2.0, "loss": 2.5, "validation": 2.75}]
    rewritten(file, history=rows)
    columns = {"step": [1.0, 2.0], "loss": [3.0, 2.5], "validation": [None, 2.75]}
    assert store.read(s.key).history == columns
    store.write(store.read(s.key))
    assert json.loads(file.read_text())["history"] == columns


@pytest.mark.parametrize(
    "change",
    [{"params": {"a": 2}}, {"seed": 1}, {"budget": "standard"}, {"metrics": ("w2", "kl")}, {"sources": {"m.py": "2"}},
     {"protocol": {"samples": 11}}, {"data_fingerprint": "x"}, {"dataset_params": {"noise": 0.1}},
     {"steps": 5}],
)  # fmt: skip
def test_whatever_could_change_the_outcome_changes_the_key(change):
    assert spec(**change).key != spec().key


def test_a_spec_without_a_timed_number_of_steps_has_the_key_that_it_always_had():
    facts = spec().model_dump(mode="json", exclude={"plugins", "steps", "tuned"}) | {"schema": KEYS}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    assert spec().key == f"m-d-0-{digest[:12]}"


def test_where_a_plugin_lies_does_not_change_the_key():
    assert spec(plugins=("/elsewhere/m.py",)).key == spec().key


def test_differences_are_named():
    assert spec(sources={"m.py": "2"}, params={"a": 2}).differences(spec()) == ["a: 1 -> 2", "code of m.py changed"]


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', "[]", "null", '{"schema": 1, "key": 3}'])
def test_a_corrupt_file_is_named_and_set_aside(store, content):
    s = spec()
    store.write(record(s))
    file = store.trials / f"{s.key}.json"
    file.write_text(content)
    with pytest.raises(CorruptFile, match=s.key):
        store.read(s.key)
    assert store.set_aside(s.key).read_text() == content
    assert not store.has(s.key)


def test_a_newer_schema_is_not_guessed_at(store):
    s = spec()
    store.write(record(s))
    file = store.trials / f"{s.key}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 99}))
    with pytest.raises(GenbenchError, match="newer genbench"):
        store.read(s.key)


def test_a_write_that_fails_leaves_what_was_there_and_no_litter(store, monkeypatch):
    s = spec()
    store.write(record(s, metrics={"w2": 1.0}))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genbench.core.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(record(s, metrics={"w2": 2.0}), {"samples": np.zeros((2, 2))})
    assert store.read(s.key).metrics["w2"] == 1.0
    assert [f.name for f in store.trials.iterdir()] == [f"{s.key}.json"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GenbenchError, match="cannot write to .*choose another"):
        Store(tmp_path / "file" / "run").create()


def test_one_process_at_a_time_changes_the_record(store):
    with (
        store.lock(),
        pytest.raises(GenbenchError, match=r"\.lock has been held by another"),
        Store(store.path).lock(0.1),
    ):
        pass


def test_samples_never_hold_pickles(store):
    s = spec()
    np.savez(store.trials / f"{s.key}.npz", samples=np.array([{}], dtype=object))
    with pytest.raises(CorruptFile):
        store.samples(s.key)


def test_no_run_names_the_runs_beside_it(store, tmp_path):
    from genbench.storage.records import RunRecord

    store.write_run(RunRecord(name="run"))
    with pytest.raises(GenbenchError, match="runs beside it: run"):
        Store(tmp_path / "rum").read_run()
