"""Changes of what a trial has written: each is named, and none is laid to an editor's charge."""

import json

import numpy as np
import pytest
import torch

from genbench.storage.digests import SEAL, sealed
from genbench.storage.store import CorruptFile, Store
from trial_records import record, rewritten, spec


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "run")
    store.create()
    return store


@pytest.fixture
def trial(store):
    """A trial with samples and weights, and another one of the same sizes."""
    for model, score in (("a", 1.0), ("b", 1e-05)):
        points = np.full((5, 2), score, np.float32)
        one = record(spec(model=model), metrics={"w2": score, "kl": float("inf")}, flags=[{"text": "größer\nals"}])
        store.write(one, {"samples": points}, {"w": torch.full((3,), score)})
    return store.trials / f"{spec(model='a').key}.json"


def other(trial):
    return trial.with_name(f"{spec(model='b').key}.json")


def swapped(one, two):
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)


def test_a_record_is_whole_as_it_was_written(store, trial):
    assert SEAL.search(trial.read_bytes())
    seal = store.seal(trial.stem)
    assert seal.files[".npz"].bytes == trial.with_suffix(".npz").stat().st_size
    assert store.read(trial.stem).metrics == {"w2": 1.0, "kl": float("inf")}
    assert store.samples(trial.stem).shape == (5, 2)
    assert store.weights(trial.stem)["w"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "layout",
    [
        lambda text: json.dumps(json.loads(text)),
        lambda text: json.dumps(json.loads(text), indent=4, sort_keys=True, ensure_ascii=False),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace('"w2": 1.0', '"w2": 1'),
        lambda text: text.replace("1.0", "10e-1"),
        lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "digest"}),
    ],
    ids=["one line", "sorted", "CRLF", "no last line end", "a whole number", "another notation", "one digest"],
)
def test_another_layout_is_no_change(store, trial, layout):
    before = trial.read_text()
    trial.write_text(layout(before), newline="")
    assert trial.read_text() != before or b"\r" in trial.read_bytes()
    assert store.read(trial.stem).metrics["w2"] == 1.0
    assert store.samples(trial.stem).shape == (5, 2)


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ('"w2": 1.0', '"w2": 0.9999'), ('"status": "ok"', '"status": "crashed"'), ('"Infinity"', "null"), ("als", "als "),
        ('"bytes": ', '"bytes": 1'), ('"seed": 0', '"seed": 1'), ('"budget": "quick"', '"budget": "long"'),
        ('"digest": "', '"digest_of": "0'), ('"digests"', '"digest_of"'),
    ],
)  # fmt: skip
def test_a_change_by_hand_is_named(store, trial, what, by):
    text = trial.read_text()
    assert what in text
    trial.write_text(text.replace(what, by))
    with pytest.raises(CorruptFile, match=trial.name):
        store.read(trial.stem)
    assert store.read(other(trial).stem)


def test_the_reason_is_the_numbers(store, trial):
    trial.write_text(trial.read_text().replace('"w2": 1.0', '"w2": 0.5'))
    with pytest.raises(CorruptFile, match="its numbers are not those that were written"):
        store.read(trial.stem)


def test_files_of_another_trial_are_named(store, trial):
    for ending, read in ((".npz", store.arrays), (".safetensors", store.weights)):
        one, two = trial.with_suffix(ending), other(trial).with_suffix(ending)
        assert one.stat().st_size == two.stat().st_size
        swapped(one, two)
        for file in (one, two):
            with pytest.raises(CorruptFile, match=f"{file.name} is not the file that was written: its SHA-256"):
                read(file.stem)
    swapped(trial, other(trial))
    with pytest.raises(CorruptFile, match="is of another trial"):
        store.read(trial.stem)


def test_a_file_that_is_cut_short_is_named_with_both_sizes(store, trial):
    for ending, read in ((".npz", store.arrays), (".safetensors", store.weights)):
        file = trial.with_suffix(ending)
        size = file.stat().st_size
        file.write_bytes(file.read_bytes()[:-3])
        with pytest.raises(CorruptFile, match=f"it has {size - 3:,} bytes, not {size:,}"):
            read(trial.stem)


def test_a_file_that_its_trial_has_not_written_is_not_read(store, trial):
    bare = spec(model="c")
    store.write(record(bare))
    (store.trials / f"{bare.key}.npz").write_bytes(trial.with_suffix(".npz").read_bytes())
    with pytest.raises(CorruptFile, match="wrote no such file"):
        store.arrays(bare.key)
    store.write(record(bare))  # deletes what an earlier attempt has left
    assert store.arrays(bare.key) == {}


def test_a_record_without_digests_is_read_without_a_word(store, trial):
    key = rewritten(trial, metrics={"w2": 0.5})
    assert store.read(key).metrics == {"w2": 0.5}
    assert store.seal(key) is None
    assert store.samples(key).shape == (5, 2)
    assert store.weights(key)


def test_a_key_that_is_not_that_of_its_spec_is_named(store, trial):
    raw = json.loads(trial.read_text())
    rewritten(trial)
    trial.write_text(json.dumps({**raw, "digests": None, "digest": None, "spec": {**raw["spec"], "budget": "long"}}))
    with pytest.raises(CorruptFile, match="its key is not that of its spec"):
        store.read(trial.stem)


def test_a_forged_digest_does_not_hide_that_the_spec_is_another(store, trial):
    raw = {name: fact for name, fact in json.loads(trial.read_text()).items() if name not in ("digests", "digest")}
    trial.write_bytes(sealed({**raw, "spec": {**raw["spec"], "budget": "long"}}, {}))
    assert store.seal(trial.stem) is not None
    with pytest.raises(CorruptFile, match="its key is not that of its spec"):
        store.seal(trial.stem, doubt=True)


def test_an_infinite_parameter_and_a_data_file_leave_the_key_as_it_was(store, tmp_path):
    s = spec(
        params={"a": float("inf")}, dataset_params={"path": str(tmp_path / "my.csv")}, data_fingerprint="1", steps=3
    )
    store.write(record(s))
    assert store.read(s.key).key == s.key
    moved = s.at("/elsewhere/my.csv")
    assert moved.key == s.key
    store.write(record(moved))
    assert store.read(s.key).key == s.key


def test_shared_weights_keep_the_digest_that_their_training_gave_them(store, trial):
    later = spec(model="a", metrics=("w2", "kl"))
    file = trial.with_suffix(".safetensors")
    file.write_bytes(b"x" * file.stat().st_size)
    store.write(record(later), weights_of=trial.stem)
    with pytest.raises(CorruptFile, match="is not the file that was written"):
        store.weights(later.key)
