"""How long the leaderboard of 10,000 trials takes, from files to table: 20 models, 50 datasets, 10 seeds.

Run it as `python benchmarks/leaderboard.py`. The store is synthetic: random scores of all metrics that points have, and
histories as long as real ones.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import genbench
from genbench.contracts.metric import select_metrics
from genbench.core.registry import discover
from genbench.storage.records import Cost, RunRecord, TrialRecord, TrialSpec
from genbench.storage.store import Store

MODELS, DATASETS, SEEDS = 20, 50, 10


def fill(folder: Path) -> None:
    """Write the trials of a synthetic run."""
    discover(groups=("metrics",))
    rng, store, keys = np.random.default_rng(0), Store(folder), []
    store.create()
    cards = select_metrics("all")
    names = tuple(card.name for card in cards if not {"labels", "levels"} & set(card.needs))  # which pictures have
    os.fsync = lambda _: None  # type: ignore[assignment]  # a benchmark of reading need not wait for the disk to write
    history = [{"step": float(i), "loss": float(rng.random())} for i in range(200)]
    for m in range(MODELS):
        for d in range(DATASETS):
            for seed in range(SEEDS):
                name, role = (f"model{m}", "model") if m else ("oracle", "oracle")
                spec = TrialSpec(
                    model=name, model_name=name, params={}, dataset=f"data{d}", dataset_name=f"data{d}",
                    dataset_params={}, seed=seed, budget="quick", metrics=names, protocol={"samples": 50_000},
                    sources={},
                )  # fmt: skip
                record = TrialRecord(
                    key=spec.key, model=name, dataset=spec.dataset, seed=seed, params={}, budget="quick", status="ok",
                    family=f"family{m % 6}", role=role, likelihood="exact",
                    metrics={n: float(1 + m / 10 + rng.normal()) for n in names},
                    draws={n: [float(v) for v in 1 + rng.normal(size=4)] for n in names} if not m else {},
                    cost=Cost(train_seconds=1.0, steps=1000), history=history, spec=spec,
                )  # fmt: skip
                store.write(record)
                keys.append(spec.key)
    store.write_run(RunRecord(name="synthetic", trials=keys))


def main() -> None:
    """Print the seconds of reading and of computing; on a busy machine the processor's tell more."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)
        if not (path / "run.json").exists():
            fill(path)
        run = genbench.load_run(path)
        begin, used = time.perf_counter(), time.process_time()
        trials = run.trials
        read, used_read = time.perf_counter(), time.process_time()
        board = run.leaderboard()
        done, used_done = time.perf_counter(), time.process_time()
        print(f"{len(trials)} trials, {len(board.rows)} rows, {len(board.metrics)} metrics")
        print(f"wall seconds: read {read - begin:.2f}, leaderboard {done - read:.2f}, together {done - begin:.2f}")
        print(
            f"processor seconds: read {used_read - used:.2f}, leaderboard {used_done - used_read:.2f}, "
            f"together {used_done - used:.2f}"
        )


if __name__ == "__main__":
    main()
