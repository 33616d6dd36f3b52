"""Trial records made by hand, for tests of what is computed from them."""

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
