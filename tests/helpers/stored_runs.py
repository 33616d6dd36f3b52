"""A run made by hand, with what real ones have on disk: odd names, failures, histories, samples."""

import numpy as np

from genbench.core.registry import discover
from genbench.storage.records import Cost, Failure, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

EVIL = "<script>alert(1)</script>"
QUOTED = "\"two\" 'quotes' & \u200fאב"  # with a right-to-left mark and letters
PLAIN = "plain[noise=0.1]"
MODELS = {  # label -> family, role, likelihood
    "oracle": ("control", "oracle", "exact"),
    EVIL: ("flow", "model", "exact"),
    "two[players=2]": ("gan", "model", "none"),
    "bounded": ("vae", "model", "bound"),
    "another": ("flow", "model", "exact"),
    "broken": ("gan", "model", "none"),
    "copies": ("control", "control", "none"),
}
SEEDS = 3
METRICS = ("sliced_w2", "kl", "w2", "high_quality", "memorisation")


def scores(model: str, seed: int) -> dict:
    """Scores whose order differs from metric to metric."""
    place, rng = list(MODELS).index(model), np.random.default_rng(100 * seed + list(MODELS).index(model))
    likelihood = MODELS[model][2]
    kl = None if likelihood == "none" else 0.0 if model == "oracle" else 0.3 - 0.05 * place + 0.001 * rng.normal()
    noise = 0.002 * rng.normal(size=3)
    return {
        "sliced_w2": 0.02 + 0.01 * place + noise[0], "kl": kl, "w2": 0.1 + 0.03 * ((3 * place) % 7) + noise[1],
        "high_quality": 0.99 - 0.04 * ((2 * place) % 7) + noise[2], "memorisation": 0.5,
    }  # fmt: skip


def stored_run(folder, name="made by hand", budget="quick", samples=400, models=tuple(MODELS)):
    """Write it and return its folder."""
    discover(groups=("metrics",))
    store, keys, rng = Store(folder / name), [], np.random.default_rng(0)
    store.create()
    for label, dataset in ((PLAIN, "moons"), (QUOTED, "ring")):
        for model in models:
            for seed in range(SEEDS):
                one = _trial(model, label, dataset, seed, budget)
                kept = samples and one.status == "ok"
                store.write(one, {"samples": rng.normal(size=(samples, 2))} if kept else None)
                keys.append(one.key)
    command = ["genbench", "run", "--models", f"{EVIL},another", "--data", f"moons,{QUOTED}", "--seeds", str(SEEDS)]
    environment = {"python": "3.11", "libraries": {"numpy": "2.0", "none": None}, "cores": 2, "command": command}
    requests = [{"command": command, "trials": len(keys)}]
    store.write_run(RunRecord(name=name, trials=keys, requests=requests, environment=environment))
    return store.path


def _trial(model, label, dataset, seed, budget):
    family, role, likelihood = MODELS[model]
    failed = model == "broken" or (model == "bounded" and seed == 2)
    one = spec(
        model=model, model_name=model, dataset=label, dataset_name=dataset, dataset_params={}, seed=seed,
        budget=budget, metrics=METRICS, protocol={"samples": 50_000},
    )  # fmt: skip
    facts = {"family": family, "role": role, "likelihood": likelihood, "params": {"hidden": 64, "lr": 0.001}}
    error = Failure(
        phase="fit", type="Diverged", message=f"loss is nan <b>in</b> {model}", seconds=1.5,
        traceback='Traceback (most recent call last):\n  File "x.py", line 1\nDiverged: <i>nan</i>',
    )  # fmt: skip
    if failed:
        return record(one, **facts, status="diverged", metrics={}, error=error)
    place, steps = list(MODELS).index(model), np.arange(1.0, 200.0, 2.0)
    losses = {} if role != "model" else {"loss": list(1 + np.exp(-steps / 50)), "validation": [None, *(2 / steps[1:])]}
    if "players" in model:
        losses = {"discriminator": list(np.cos(steps / 9)), "generator": list(np.sin(steps / 9))}
    return record(
        one, **facts, metrics=scores(model, seed), flags=["memorisation is 1.0: copies"] if model == "copies" else [],
        draws={"sliced_w2": [0.019, 0.02, 0.021, 0.02]} if role == "oracle" else {},
        cost=Cost(
            train_seconds=float(10 - place), steps=200, samples_per_second=1000.0 * (place + 1), parameters=100 * place,
            nfe=place + 1,
        ),
        history={"step": list(steps), **losses} if losses else {},
    )  # fmt: skip
