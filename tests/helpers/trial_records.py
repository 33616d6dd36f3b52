"""Trial records made by hand, for tests of what is computed from them, and what of a run is repeatable."""

import json

from genbench.storage.keys import key_as_written
from genbench.storage.records import TrialRecord, TrialSpec


def spec(**changes) -> TrialSpec:
    facts = {
        "model": "m", "model_name": "m", "params": {"a": 1}, "dataset": "d", "dataset_name": "d", "dataset_params": {},
        "seed": 0, "budget": "quick", "metrics": ("w2",), "protocol": {"samples": 10}, "sources": {"m.py": "1"},
    }  # fmt: skip
    return TrialSpec(**facts | changes)


def record(s: TrialSpec, **changes) -> TrialRecord:
    facts = {
        "key": s.key, "model": s.model, "dataset": s.dataset, "seed": s.seed, "params": s.params, "budget": s.budget,
        "status": "ok", "family": "f", "role": "model", "likelihood": "exact", "metrics": {"w2": 0.1}, "spec": s,
    }  # fmt: skip
    return TrialRecord(**facts | changes)


def rewritten(file, **changes):
    """Write a trial's record anew as older versions did, without digests and under the key of its spec; return its key.

    The files beside it go along, and the run's table names it.
    """
    raw = json.loads(file.read_text()) | changes
    raw = {name: fact for name, fact in raw.items() if name not in ("digests", "digest")}
    key, file_of = key_as_written(raw["spec"]), file.parent.parent / "run.json"
    for beside in file.parent.glob(f"{file.stem}.*"):
        beside.rename(beside.with_name(beside.name.replace(file.stem, key)))
    file.with_name(f"{key}.json").write_text(json.dumps(raw | {"key": key}))
    if file_of.exists():
        file_of.write_text(file_of.read_text().replace(f'"{file.stem}"', f'"{key}"'))
    return key


def outcome(run):
    """All that a trial file holds except for times and memory, and digests, which depend on them."""
    files = sorted((run.path / "trials").glob("*.json"))
    contents = {file.name: json.loads(file.read_text()) for file in files}
    for content in contents.values():
        assert content.pop("cost") is not None
        assert content["provenance"].pop("time")
        assert content.pop("digests").keys() >= {"content"}
        assert len(content.pop("digest")) == 64
        if content["error"]:
            content["error"].pop("seconds")
    return contents
