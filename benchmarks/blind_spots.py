"""Which metrics see, in 2, 16 and 64 dimensions, that only margins and correlations are right.

    python benchmarks/blind_spots.py

writes genbench/analysis/blind_spots.json, by which leaderboards choose what they are sorted by. The truth are moons,
and products of their copies, turned at random; the evidence is as much as a run of genbench has by default. Of each
metric it has how much worse the fault scores than the truth itself: in standard deviations of the truth's scores, and
as a quotient, where metrics are compared by quotients.
"""

from __future__ import annotations

import argparse
import json
import math
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from genbench import load_dataset
from genbench.analysis.blind_spots import MEASURED
from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import METRICS, select_metrics
from genbench.core.registry import discover
from genbench.core.seeding import stream
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.faults import Case, cases

FAULT = "gaussian copula"
PROBLEMS = {2: "moons", 16: "product[copies=8]", 64: "product[copies=32]"}
SAMPLES = (5_000, 50_000)  # of "smoke", and of the other budgets
TEST, TRAIN = 10_000, 20_000  # as a trial has


def problem(dim: int) -> SyntheticDataset:
    dataset: SyntheticDataset = load_dataset("moons") if dim == 2 else load_dataset("product", copies=dim // 2)
    return dataset


def scores(samples: int, dim: int, fault: bool, draw: int) -> dict[str, float]:
    """Return the scores of one draw of the fault, or of the truth; infinite ones are left out."""
    discover()
    dataset, seed = problem(dim), stream(dim, "fault" if fault else "truth", draw)
    case: Case = next(c for c in cases(dataset) if c.name == (FAULT if fault else "null"))
    test, train = (dataset.sample(n, seed=stream(seed, name)) for n, name in ((TEST, "test"), (TRAIN, "train")))
    protocol = Protocol(samples)
    x = case.draw(samples, stream(seed, "samples"), train)
    evidence = Evidence(dataset, x, test, None, stream(seed, "evaluation"), protocol, train)
    names = [card.name for card in select_metrics("all") if card.needs <= evidence.has]
    found = evaluate(evidence, names).metrics
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def compared(right: list[dict[str, float]], wrong: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return how much worse some draws of the fault score than draws of the truth, by metric."""
    found: dict[str, dict[str, float]] = {}
    for name in right[0]:
        card = METRICS[name]
        own, its = (np.array([one[name] for one in draws if name in one]) for draws in (right, wrong))
        if len(its) and len(own) == len(right) and own.std(ddof=1) > 0:
            sign = -1 if card.higher_is_better else 1
            found[name] = {"deviations": round(float(sign * (its.mean() - own.mean()) / own.std(ddof=1)), 2)}
            if card.logarithmic:
                found[name]["times"] = round(float(its.mean() / own.mean()), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=3, help="of the fault")
    parser.add_argument("--truth", type=int, default=12, help="draws of the truth")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--samples", default=",".join(map(str, SAMPLES)))
    asked = parser.parse_args()
    discover()
    sizes = [int(n) for n in asked.samples.split(",")]
    counts = {True: asked.draws, False: asked.truth}
    with ProcessPoolExecutor(asked.jobs) as pool:
        jobs = {
            (n, dim, fault): [pool.submit(scores, n, dim, fault, k) for k in range(counts[fault])]
            for n in sizes
            for dim in PROBLEMS
            for fault in (True, False)
        }
        done = {key: [job.result() for job in its] for key, its in jobs.items()}
    measured = json.loads(MEASURED.read_text())["measured"] if MEASURED.exists() else {}
    for n in sizes:
        measured[str(n)] = {dim: compared(done[n, dim, False], done[n, dim, True]) for dim in PROBLEMS}
    facts = {"fault": FAULT, "problems": PROBLEMS, "draws": asked.draws, "truth": asked.truth, "measured": measured}
    MEASURED.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
