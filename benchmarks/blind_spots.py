"""Which metrics see, in 2, 16 and 64 dimensions, that only margins and correlations are right.

    python benchmarks/blind_spots.py

writes genbench/analysis/blind_spots.json, by which leaderboards choose what they are sorted by. The truth are moons,
and products of their copies, turned at random.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor

from genbench import load_dataset
from genbench.analysis.blind_spots import MEASURED
from genbench.core.registry import discover
from genbench.evaluation.selftest import selftest

FAULT = "gaussian copula"
PROBLEMS = {2: "moons", 16: "product[copies=8]", 64: "product[copies=32]"}


def measure(dim: int, repeats: int, samples: int, null_repeats: int) -> tuple[int, dict[str, float], dict[str, float]]:
    """Return the power against the fault and the rate of false alarms, by metric."""
    discover()
    dataset = load_dataset("moons") if dim == 2 else load_dataset("product", copies=dim // 2)
    found = selftest(dataset, repeats=repeats, samples=samples, null_repeats=null_repeats, faults=(FAULT,)).cells
    cells = {metric: row for metric, row in found.items() if row.get(FAULT)}
    return dim, {m: row[FAULT].power for m, row in cells.items()}, {m: row["null"].power for m, row in cells.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--samples", type=int, default=5_000)
    parser.add_argument("--null-repeats", type=int, default=79)
    asked = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(measure, dim, asked.repeats, asked.samples, asked.null_repeats) for dim in PROBLEMS]
        results = [job.result() for job in jobs]
    found = {
        "fault": FAULT,
        "problems": PROBLEMS,
        **vars(asked),
        "power": {dim: power for dim, power, _ in results},
        "false_alarms": {dim: alarms for dim, _, alarms in results},
    }
    MEASURED.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
