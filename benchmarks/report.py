"""How long the page of a run takes and how heavy it is: 12 models, 6 datasets, 5 seeds, from a store like a real one.

Run it as `python benchmarks/report.py`. The store is synthetic: scores at random, histories as long as real ones, and
as many samples as a run keeps. No model is trained, and torch must not be imported.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import genbench
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import select_metrics
from genbench.core.hardware import cores
from genbench.core.parameters import bind, create
from genbench.core.registry import discover
from genbench.report import write_report
from genbench.storage.records import Cost, RunRecord, TrialRecord, TrialSpec
from genbench.storage.store import Store

MODELS, SEEDS, SAMPLES = 12, 5, 50_000
NAMES = ("moons", "circles", "swiss_roll", "eight_gaussians", "pinwheel", "checkerboard")
PARAMETERS = {f"parameter{i}": i / 7 for i in range(18)}


def fill(folder: Path) -> None:
    """Write the trials of a synthetic run: the truth with more and more noise."""
    discover(groups=("metrics", "datasets"))
    os.fsync = lambda _: None  # type: ignore[assignment]  # a benchmark of reading need not wait for the disk to write
    rng, store, keys = np.random.default_rng(0), Store(folder), []
    store.create()
    metrics = tuple(c.name for c in select_metrics("all") if not {"labels", "levels", "modes"} & set(c.needs))
    step = np.arange(200.0)
    for name in NAMES:
        card = DATASETS[name]
        params = bind(card, {})
        points = create(card, params).sample(SAMPLES)
        for m in range(MODELS):
            for seed in range(SEEDS):
                model, role = (f"model{m}", "model") if m else ("oracle", "oracle")
                spec = TrialSpec(
                    model=model, model_name=model, params=PARAMETERS, dataset=name, dataset_name=name,
                    dataset_params=params, seed=seed, budget="standard", metrics=metrics,
                    protocol={"samples": SAMPLES}, sources={f"module{i}": "0123456789ab" for i in range(40)},
                )  # fmt: skip
                history = {
                    "step": list(step),
                    "loss": list(np.exp(-step / 50) + 0.1 * rng.random(200)),
                    "validation": list(np.exp(-step / 50) + 0.1),
                }
                record = TrialRecord(
                    key=spec.key, model=model, dataset=name, seed=seed, params=PARAMETERS, budget=spec.budget,
                    status="ok", family=f"family{m % 7}", role=role, likelihood=("exact", "bound", "none")[m % 3],
                    metrics={n: float(1 + m / 10 + 0.1 * rng.random()) for n in metrics},
                    draws={n: [float(v) for v in 1 + rng.random(4)] for n in metrics} if not m else {},
                    cost=Cost(
                        train_seconds=10 + m, steps=1000, sample_seconds=1.0, samples_per_second=1e5 / (m + 1),
                        log_prob_seconds=1.0, score_seconds=3.0, parameters=1000 * (m + 1), nfe=1 + m,
                        peak_memory_mb=500.0,
                    ),
                    history=history if m else {}, spec=spec,
                )  # fmt: skip
                noisy = points + 0.03 * m * points.std() * rng.normal(size=points.shape)
                store.write(record, {"samples": noisy.astype(np.float32)})
                keys.append(spec.key)
    store.write_run(RunRecord(name="synthetic", trials=keys))


def main() -> None:
    """Print wall and processor seconds and the size of the page; on a busy machine the processor's tell more."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        if not (folder / "run.json").exists():
            fill(folder)
        for jobs in (0, cores()):
            before, begin = _processor(), time.perf_counter()
            run = genbench.load_run(folder)
            file = write_report(run, Path(scratch) / "report.html", jobs=jobs)
            wall = time.perf_counter() - begin
            size, rows = file.stat().st_size / 1e6, len(run.leaderboard().rows)
            seconds = f"{wall:.1f} s of wall time, {_processor() - before:.1f} s of processor time"
            print(f"{len(run.trials)} trials, {rows} rows, {jobs} processes: {seconds}, {size:.2f} MB")
        print("torch was imported" if "torch" in sys.modules else "torch was not imported")


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
