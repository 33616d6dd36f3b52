import json

import pytest

from genbench.runs.runner import remaining, why
from genbench.storage import summaries
from genbench.storage.store import CorruptFile, Store
from genbench.storage.summaries import FILE, Summaries
from trial_records import record, spec

SPECS = [spec(seed=seed) for seed in range(4)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A run of four trials, the last of which failed, with summaries on disk."""
    monkeypatch.setattr(summaries, "WORTH", 3)
    store = Store(tmp_path / "run")
    store.create()
    for s in SPECS:
        store.write(record(s, status="ok" if s.seed < 3 else "crashed"))
    assert remaining(SPECS, store) == ([], [])
    assert (store.path / FILE).exists()
    return store


@pytest.fixture
def reads(store, monkeypatch):
    """The keys of the records that are opened."""
    found, read = [], Store.read

    def counted(self, key):
        found.append(key)
        return read(self, key)

    monkeypatch.setattr(Store, "read", counted)
    return found


def test_no_record_is_opened_that_is_as_it_was(store, reads):
    assert remaining(SPECS, store) == ([], [])
    assert remaining(SPECS, store, retry_failed=True) == ([SPECS[3]], [])
    assert reads == []


def test_what_was_written_since_is_opened(store, reads):
    store.write(record(SPECS[1], status="crashed"))
    store.write(record(spec(seed=9)))
    assert remaining([*SPECS, spec(seed=9)], store, retry_failed=True) == ([SPECS[1], SPECS[3]], [])
    assert sorted(reads) == sorted([SPECS[1].key, spec(seed=9).key])


def test_a_record_that_is_gone_or_corrupt_runs_again(store):
    (store.trials / f"{SPECS[0].key}.json").unlink()
    (store.trials / f"{SPECS[1].key}.json").write_text("{")
    todo, notes = remaining(SPECS, store)
    assert todo == SPECS[:2]
    assert len(notes) == 1
    assert f"{SPECS[1].key}.json.corrupt" in notes[0]


def test_reasons_open_the_records_of_the_same_row_and_seed_alone(store, reads):
    other = [spec(seed=seed, budget="standard") for seed in (1, 2)]
    assert list(why([*other, spec(seed=7)], store)) == ["budget changed: quick -> standard"] * 2 + ["no result yet"]
    assert reads == [SPECS[1].key, SPECS[2].key]


@pytest.mark.parametrize("content", ["", "[1", "[2, {}]", '[2, {"a": 1}]', "[" * 100_000, "[99, {}]", "[2, []]"])
def test_a_file_that_is_not_as_it_should_be_is_as_good_as_none(store, reads, content):
    (store.path / FILE).write_text(content)
    assert remaining(SPECS, store) == ([], [])
    assert sorted(reads) == sorted(s.key for s in SPECS)
    assert json.loads((store.path / FILE).read_text())[1].keys() == {s.key for s in SPECS}


def test_few_records_are_not_worth_a_file(store, monkeypatch):
    (store.path / FILE).unlink()
    monkeypatch.setattr(summaries, "WORTH", 5)
    assert remaining(SPECS, store) == ([], [])
    assert not (store.path / FILE).exists()


def test_a_link_to_nowhere_is_a_corrupt_record(store):
    (store.trials / "nowhere.json").symlink_to(store.path / "gone")
    finished = Summaries(store)
    assert "nowhere" in finished
    with pytest.raises(CorruptFile):
        _ = finished["nowhere"]
    assert finished.keys_of[SPECS[0].identity] == [SPECS[0].key]
