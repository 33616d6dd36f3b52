"""What a trial costs beyond its model: seconds a trial of a model that does nothing, and the gain of two workers.

Run it on an idle machine as `python benchmarks/overhead.py [--repeats 5]`; each repeat takes three minutes. Seconds
are wall-clock time of whole processes. A trial's own seconds (fit, sampling, scores) are those of its record.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from genbench import load_run

PLUGIN = '''"""A model that does nothing, and one that is busy for a second."""

import time

import numpy as np

import genbench


@genbench.register_model("idle", family="none")
class Idle(genbench.Model):
    """Draw from N(0, I)."""

    def fit(self, x):
        pass

    def sample(self, n):
        return np.random.normal(size=(n, 2))


@genbench.register_model("busy", family="none")
class Busy(Idle):
    """Sort numbers for a second of processor time, then draw from N(0, I)."""

    def fit(self, x):
        end = time.process_time() + 1
        while time.process_time() < end:
            np.sort(np.random.normal(size=10_000))
'''
FEW, MANY, EQUAL = 1, 21, 40  # seeds


def seconds(folder: Path, model: str, seeds: int, jobs: int) -> float:
    """Return the wall-clock seconds of a run of some seeds on moons, scored by sliced W2 alone."""
    name = f"{model}-{seeds}-{jobs}-{time.monotonic_ns()}"
    command = ["run", "--models", model, "--data", "moons", "--seeds", str(seeds), "--jobs", str(jobs)]
    command += ["--plugin", str(folder / "idle_and_busy.py"), "--metrics", "sliced_w2", "--name", name]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "genbench", *command, "--results", str(folder), "--quiet"],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    elapsed = time.perf_counter() - begin
    OWN[model] = [own_seconds(trial.cost) for trial in load_run(folder / name).trials]
    return elapsed


OWN: dict[str, list[float]] = {}  # seconds of each trial of the last run of a model and its oracle


def own_seconds(cost: object) -> float:
    """Return the seconds of fit, sampling, densities and scores of a trial."""
    names = ("train_seconds", "sample_seconds", "log_prob_seconds", "score_seconds")
    return sum(getattr(cost, name) or 0.0 for name in names)


def main() -> None:
    """Run each in turn, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    all_in, beyond, gains = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "idle_and_busy.py").write_text(PLUGIN)
        for _ in range(repeats):
            few, many = (seconds(folder, "idle", seeds, 1) for seeds in (FEW, MANY))
            trials = 2 * (MANY - FEW)  # with the oracle's
            all_in.append((many - few) / trials)
            beyond.append(all_in[-1] - statistics.mean(OWN["idle"]))
            one, two = (seconds(folder, "busy", EQUAL, jobs) for jobs in (1, 2))
            gains.append(one / two)
    print(f"a trial, all in: {statistics.median(all_in):.2f} s; beyond fit, sampling and scores: ", end="")
    print(f"{statistics.median(beyond):.2f} s")
    print(f"{EQUAL} equal trials of a second: two workers are {statistics.median(gains):.2f} × as fast as one")


if __name__ == "__main__":
    main()
