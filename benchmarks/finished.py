"""What `genbench run` costs over a folder of 10,000 finished trials: processor seconds and peak memory.

Run it as `python benchmarks/finished.py [FOLDER] [--repeats 3]`; the folder is filled where it is empty, and kept.

The trials are planned as a user would ask for them, with keys of today's code. One that a run of some seconds made is
written again and again, with scores of random size and samples of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import genbench
from genbench.runs.launch import RunOptions
from genbench.storage.records import RunRecord, TrialRecord, TrialSpec
from genbench.storage.store import Store

MODELS = "cfm,coupling_flow,ddpm,gan,gaussian,gmm,kde,memoriser,vae"  # nine, and the oracle
DATA = "moons,circles,s_curve,swiss_roll,two_spirals,ring,grid,eight_gaussians,pinwheel,checkerboard"
SEEDS, SAMPLES = 100, 500
NAME = "finished"
REQUEST = ["run", "--models", MODELS, "--data", DATA, "--seeds", str(SEEDS), "--samples", str(SAMPLES),
           "--budget", "smoke", "--name", NAME, "--results"]  # fmt: skip
COMMANDS = {"run --why": ["--why"], "run, nothing to do": ["--quiet"]}


def fill(results: Path) -> None:
    """Write the trials of the request, as finished ones."""
    like = genbench.run(
        "gmm", "moons", seeds=1, budget="smoke", samples=SAMPLES, name="like", results=results, progress=False
    )
    template = {trial.role: trial for trial in like.trials}
    options = RunOptions(MODELS, DATA, SEEDS, "smoke", samples=SAMPLES, name=NAME, results=results)
    os.fsync = lambda _: None  # type: ignore[assignment]  # a benchmark of reading need not wait for the disk to write
    store, rng = Store(options.folder), np.random.default_rng(0)
    store.create()
    specs = options.plan(print).trials
    for spec in specs:
        record = finished(spec, template["oracle" if spec.model_name == "oracle" else "model"], rng)
        store.write(record, {"samples": rng.normal(size=(SAMPLES, 2)).astype(np.float32)})
    store.write_run(RunRecord(name=NAME, trials=[spec.key for spec in specs]))


def finished(spec: TrialSpec, like: TrialRecord, rng: np.random.Generator) -> TrialRecord:
    """Return the record of a trial as if it had run, with other scores than the one it is like."""
    known = {name: value for name, value in like.metrics.items() if value is not None}
    metrics = like.metrics | {name: value * rng.lognormal(sigma=0.2) for name, value in known.items()}
    facts = {"key": spec.key, "spec": spec, "metrics": metrics, "family": f"family of {spec.model}"}
    names = ("model", "dataset", "seed", "params", "budget")
    return like.model_copy(update=facts | {name: getattr(spec, name) for name in names})


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return the processor seconds of one call, and its peak memory in MB."""
    # Users have compiled modules; a variable of this shell may keep Python from storing them.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "genbench", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"genbench {' '.join(arguments)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Call each command in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="folder of runs; by default one that is deleted again")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = asked.folder or Path(temporary)
        if not (results / NAME / "run.json").exists():
            fill(results)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(asked.repeats):
            for name, more in COMMANDS.items():
                found[name].append(measure([*REQUEST, str(results), *more]))
        print(f"{'command':20} {'CPU s':>8} {'peak MB':>8}")
        for name, pairs in found.items():
            seconds, megabytes = zip(*pairs, strict=True)
            print(f"{name:20} {statistics.median(seconds):8.2f} {max(megabytes):8.0f}")


if __name__ == "__main__":
    main()
