"""The evaluator beside the usual stack of separate tools: seconds, memory and values at n points on one core.

Run it as `python benchmarks/metrics.py [--points 5000] [--data eight_gaussians] [--only w2,mmd2,prdc,c2st]`.

The usual stack: POT on a dense cost matrix, MMD² of three dense kernel matrices, precision, recall, density and
coverage by dense distance matrices, and a two-sample test with scikit-learn's MLPClassifier in five folds. Each job
runs in a process of its own, on one thread. Seconds are wall time; on a busy machine CPU seconds say more. Memory is
the peak above what the process holds with its libraries imported. The goal, over all jobs: at most half of the time and
a quarter of the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import genbench
from genbench.contracts.evidence import Evidence, Protocol

K = 5  # neighbours of precision, recall, density and coverage
SAME = ("w2", "mmd2", "prdc")  # jobs whose definition is the same on both sides
Values = dict[str, float]
Job = Callable[[np.ndarray, np.ndarray, Any], Values]  # samples [n, d], test points [n, d], dataset


def our_w2(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """Exact W2 as the metric computes it."""
    from genbench.metrics.w2 import wasserstein

    return {"w2": wasserstein(x, y)}


def our_mmd2(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """Unbiased MMD², in blocks of rows."""
    from genbench.metrics.discrepancy import mean_between, mean_within
    from genbench.metrics.mmd2 import gaussian_mixture_kernel, median_distance

    kernel = gaussian_mixture_kernel(median_distance(y[:1000]))
    return {"mmd2": mean_within(kernel, x) - 2 * mean_between(kernel, x, y) + mean_within(kernel, y)}


def our_metrics(names: tuple[str, ...]) -> Job:
    """Return the job that evaluates registered metrics."""

    def job(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
        from genbench.evaluation.evaluator import evaluate

        found = evaluate(Evidence(dataset, x, y, None, seed=0, protocol=Protocol(len(x), 1, len(x))), names)
        return {name: float("nan") if value is None else value for name, value in found.metrics.items()}

    return job


def usual_w2(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """POT as in its documentation: a dense cost matrix, the network simplex."""
    import ot

    return {"w2": float(np.sqrt(ot.emd2(ot.unif(len(x)), ot.unif(len(y)), ot.dist(x, y), numItermax=10_000_000)))}


def usual_mmd2(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """Three dense kernel matrices."""
    from scipy.spatial.distance import cdist, pdist

    h = np.median(pdist(y[:1000]))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squared = cdist(a, b, "sqeuclidean")
        return np.mean([np.exp(-squared / (2 * (c * h) ** 2)) for c in (0.25, 0.5, 1, 2, 4)], axis=0)

    def off_diagonal(k: np.ndarray) -> float:
        return float((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)))

    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    return {"mmd2": off_diagonal(xx) + off_diagonal(yy) - 2 * float(xy.mean())}


def usual_prdc(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """Dense distance matrices, each sorted as far as the k-th neighbour."""
    from scipy.spatial.distance import cdist

    def radii(a: np.ndarray) -> np.ndarray:
        return np.partition(cdist(a, a), K, axis=1)[:, K]  # the point itself is the first

    real, fake, between = radii(y), radii(x), cdist(y, x)
    in_real, in_fake = between <= real[:, None], between <= fake[None, :]
    return {
        "precision": float(in_real.any(axis=0).mean()),
        "recall": float(in_fake.any(axis=1).mean()),
        "density": float(in_real.sum(axis=0).mean() / K),
        "coverage": float(in_real.any(axis=1).mean()),
    }


def usual_c2st(x: np.ndarray, y: np.ndarray, dataset: Any) -> Values:
    """A small neural network of scikit-learn, five folds."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    points, label = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    network = MLPClassifier((64, 64), early_stopping=True, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return {"c2st": float(cross_val_score(network, points, label, cv=folds).mean())}


JOBS: dict[str, tuple[Job, Job]] = {
    "w2": (our_w2, usual_w2),
    "mmd2": (our_mmd2, usual_mmd2),
    "prdc": (our_metrics(("precision", "recall", "density", "coverage")), usual_prdc),
    "c2st": (our_metrics(("c2st", "c2st_auc")), usual_c2st),
}
SIDES = ("ours", "usual")
UNITS = {"seconds": "s", "cpu": "CPU s", "mb": "MB"}
TOTAL: dict[str, Callable[..., float]] = {"seconds": sum, "cpu": sum, "mb": max}


def measure(job: str, side: str, n: int, data: str) -> dict[str, Any]:
    """Return wall and CPU seconds, peak MB above the libraries, and values of one job in this process."""
    import ot  # noqa: F401
    import scipy.spatial.distance  # noqa: F401
    import sklearn.model_selection
    import sklearn.neural_network  # noqa: F401

    from genbench.core.registry import discover

    discover(groups=("metrics",))
    dataset = genbench.load_dataset(data)
    x, y = dataset.sample(n, seed=1), dataset.sample(n, seed=2)
    work = JOBS[job][SIDES.index(side)]
    work(x[:100], y[:100], dataset)  # what is imported or compiled at the first call is no cost of the metric
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, busy = time.perf_counter(), time.process_time()
    values = work(x, y, dataset)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 2**20
    return {"seconds": seconds, "cpu": cpu, "mb": peak, "values": values}


def in_own_process(job: str, side: str, n: int, data: str) -> dict[str, Any]:
    """Return what `measure` does in a new process with one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--points", str(n), "--data", data, "--measure", f"{job},{side}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | one)
    return dict(json.loads(done.stdout))


def table(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Return the comparison in markdown."""
    columns = [f"{unit}, ours | usual | ratio" for unit in UNITS.values()]
    lines = [f"| job | {' | '.join(columns)} |", "|" + " --- |" + " ---: |" * 9]
    total = {side: {what: TOTAL[what](part[side][what] for part in found.values()) for what in UNITS} for side in SIDES}
    for job, sides in (found | {"**all** (memory: the largest)": total}).items():
        pairs = [(sides["ours"][what], sides["usual"][what]) for what in UNITS]
        cells = [f"{ours:.2f} | {usual:.2f} | {ours / max(usual, 1e-9):.2f}" for ours, usual in pairs]
        lines.append(f"| {job} | {' | '.join(cells)} |")
    lines.append("")
    lines += ["| value | ours | usual | difference |", "| --- | ---: | ---: | ---: |"]
    for sides in found.values():
        ours, usual = (sides[side]["values"] for side in SIDES)
        for name, value in ours.items():
            if name in usual:
                lines.append(f"| {name} | {value:.9g} | {usual[name]:.9g} | {abs(value - usual[name]):.1e} |")
    return "\n".join(lines)


def main() -> None:
    """Measure each job on both sides, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=5000, help="samples, and test points (5000)")
    parser.add_argument("--data", default="eight_gaussians", help="a synthetic dataset")
    parser.add_argument("--only", default=",".join(JOBS), help="jobs, by comma")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure.split(","), options.points, options.data)))
        return
    found = {
        job: {side: in_own_process(job, side, options.points, options.data) for side in SIDES}
        for job in options.only.split(",")
    }
    print(table(found))
    gaps = [
        abs(value - found[job]["usual"]["values"][name])
        for job in SAME
        if job in found
        for name, value in found[job]["ours"]["values"].items()
    ]
    if gaps:
        print(
            f"\nLargest difference where the definition is the same: {max(gaps):.1e}. c2st: two different classifiers."
        )


if __name__ == "__main__":
    main()
