"""Trial records made by hand, for tests of what is computed from them, and what of a run is repeatable."""

import json

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


def outcome(run):
    """All that a trial file holds except for times and memory."""
    files = sorted((run.path / "trials").glob("*.json"))
    contents = {file.name: json.loads(file.read_text()) for file in files}
    for content in contents.values():
        assert content.pop("cost") is not None
        if content["error"]:
            content["error"].pop("seconds")
    return contents
