"""False alarms and power of the test of self-consistency.

  python benchmarks/self_consistency.py null --seeds 3             # the zoo, each model as it is
  python benchmarks/self_consistency.py null --draws 20 --models gmm,kde,gaussian,spline_flow,coupling_flow,ar,maf
  python benchmarks/self_consistency.py power                      # the same models with a fault in their samples

Each line has one model on one set: how many tests were flagged, and the gap (share of samples) and deviations (standard
errors) of the worst region, in the middle of all tests. The last lines have the rate and its 95 % interval.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from genbench.contracts.dataset import DATASETS, SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.model import MODELS
from genbench.core.errors import collected_warnings
from genbench.core.registry import discover
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.evaluation.model_outputs import draw
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.evaluation.self_consistency import shares_of
from genbench.evaluation.selftest import binomial_interval
from genbench.metrics.self_consistency import self_consistency
from genbench.runs.plan import make_plan
from genbench.tasks.steps import fitted

SETS = "moons,checkerboard,eight_gaussians,two_spirals,gaussian_mixture[dim=16],digits,diabetes,ar_process"
PLANE = "moons,circles,two_spirals,checkerboard,eight_gaussians,ring,grid,swiss_roll,pinwheel"
QUICK = "gmm,spline_flow,coupling_flow"

Fault = Callable[[ResolvedTrial, Array, np.random.Generator], Array | None]


def noise(trial: ResolvedTrial, x: Array, rng: np.random.Generator) -> Array:
    """Return samples with noise of 0.05 of the data's standard deviations."""
    return np.asarray(x + 0.05 * trial.splits.train.std(axis=0) * rng.normal(size=x.shape))


def cold(trial: ResolvedTrial, x: Array, rng: np.random.Generator) -> Array:
    """Return samples drawn in to 0.9 of their distance from the mean."""
    return np.asarray(x.mean(axis=0) + 0.9 * (x - x.mean(axis=0)))


def one_mode_less(trial: ResolvedTrial, x: Array, rng: np.random.Generator) -> Array | None:
    """Return the samples that are not nearest to one of eight modes; None on other sets."""
    modes = trial.dataset.modes
    if modes is None or len(modes) != 8:
        return None
    nearest = ((x[:, None] - modes) ** 2).sum(axis=2).argmin(axis=1)
    return np.asarray(x[nearest != rng.integers(len(modes))])


FAULTS: dict[str, Fault] = {"noise 0.05": noise, "temperature 0.9": cold, "one mode less": one_mode_less}


def trials(models: str, sets: str, seeds: int, budget: str) -> Iterator[tuple[ResolvedTrial, Estimator]]:
    """Fit each model whose density is exact to each set that it takes."""
    specs = []
    for each in parse_sets(sets):
        names = [name for name in models.split(",") if DATASETS[each.partition("[")[0]].kind in MODELS[name].kinds]
        if names:
            plan = make_plan(",".join(names), each, seeds, budget, "self_consistency", protocol=Protocol())
            specs += [spec for spec in plan.trials if spec.model_name in names]
    for spec in specs:
        trial = ResolvedTrial.of(spec)
        estimator = fitted(trial)
        known = isinstance(trial.dataset, SyntheticDataset) or not trial.of_oracle
        if estimator.likelihood == "exact" and known:
            yield trial, estimator


def parse_sets(text: str) -> list[str]:
    """Return the datasets of a list in which none has two parameters."""
    return [each.strip() for each in text.split(",")]


def tested(trial: ResolvedTrial, estimator: Estimator, x: Array, seed: int) -> tuple[bool, float, float]:
    """Return whether samples are flagged, the gap, and its deviations; nothing is a pass."""
    own = estimator.log_prob(x[: trial.protocol.densities], seed=seed)
    shares = shares_of(trial, estimator, x, own, seed)
    if shares is None:
        return False, 0.0, 0.0
    score = self_consistency(Evidence(trial.dataset, x, x, None, seed, likelihood="exact", shares=shares))
    return score.flag is not None, score.value, score.value / (score.standard_error or np.inf)


def main() -> None:
    """Print a line a model and set, and the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("null", "power"))
    parser.add_argument("--models", help="default: all with an exact density; for power, three quick ones")
    parser.add_argument("--data", help="default: sets of many kinds; for power, the sets in the plane")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--draws", type=int, default=1, help="sample sets of each fitted model")
    parser.add_argument("--budget", default="300")
    asked = parser.parse_args()
    discover()
    exact = ",".join(card.name for card in MODELS.cards.values() if card.likelihood == "exact")
    null = asked.what == "null"
    faults: dict[str, Fault] = {"": lambda trial, x, rng: x} if null else FAULTS
    counts = {name: [0, 0] for name in faults}
    for trial, estimator in trials(
        asked.models or (exact if null else QUICK), asked.data or (SETS if null else PLANE), asked.seeds, asked.budget
    ):
        begin = time.process_time()
        for name, fault in faults.items():
            found = []
            for k in range(asked.draws):
                seed = stream(trial.spec.seed, "draw", k)
                x = fault(trial, draw(trial, estimator, seed), generator(seed, "fault"))
                found += [] if x is None else [tested(trial, estimator, x, seed)]
            if found:
                flagged, gaps, deviations = zip(*found, strict=True)
                counts[name][0] += sum(flagged)
                counts[name][1] += len(found)
                where = f"{trial.spec.dataset:24} {trial.spec.model:16} {trial.spec.seed:3} {name:16}"
                middle = f"gap {np.median(gaps):.4f}, {np.median(deviations):6.1f} s.e."
                print(f"{where} {sum(flagged):3} of {len(found)} flagged, {middle}", flush=True)
        print(f"    {time.process_time() - begin:.1f} CPU seconds", flush=True)
    for name, (flagged_in_all, tests) in counts.items():
        low, high = binomial_interval(flagged_in_all, tests)
        rate = f"{100 * flagged_in_all / max(tests, 1):.2f} % ({100 * low:.2f} to {100 * high:.2f})"
        print(f"{name or 'no fault'}: {flagged_in_all} of {tests} flagged, {rate}")


if __name__ == "__main__":
    with collected_warnings():
        main()
