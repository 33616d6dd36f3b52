"""Tune a model honestly: every combination of a grid is trained on the train split and scored on the VALIDATION split.

The test split, on which leaderboards are made, is never looked at, and the data of a synthetic set are those of other
seeds than a leaderboard's: 100, 101, … Recorded data are split anew for each seed, so that another seed's validation
points may be the leaderboard's test points: there the seeds are 0, 1, … Presets are chosen with this script.

  python benchmarks/tune.py cfm --data moons --grid hidden=64,128 lr=2e-3,4e-3,8e-3 --budget quick --seeds 2
  python benchmarks/tune.py spline_flow --data "wine,gaussian_mixture[dim=16]" --grid couplings=2,4 bins=8,16
  python benchmarks/tune.py spline_flow --data moons,checkerboard --train 200000 --budget 20s --grid frequencies=0,4

Lower scores are better: the nll in nats where the model has a density, else the sliced W2 to the validation points. The
first line of the grid is always the model as it is now, so that a change can be seen to be worth it.

How to read the table: a column a dataset, with the mean over the seeds ± its standard error; `behind` is how far a
combination is behind the best of each dataset (in nats; for sliced W2, as a share of the best), as a mean over the
datasets, and is what sorts the table. Differences of less than two standard errors are noise: take the simpler value,
the present one, or more seeds. All combinations train equally long: a named budget is turned into steps by the model's
`step_ms`, so give a budget in seconds (20s, on quiet cores) where the grid changes the cost of a step.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from genbench.contracts.dataset import Sizes, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.selection import Selection, parse, parse_list

OTHER_SEEDS = 100  # more than a leaderboard has


@dataclass(frozen=True)
class Trial:
    """One training: a combination on one dataset with one seed."""

    model: Selection
    data: Selection
    seed: int
    budget: str
    score: str  # "auto", "nll" or "sliced_w2"
    plugins: tuple[str, ...] = ()
    train: int = Sizes.train


@dataclass(frozen=True)
class Result:
    """The score of a trial on the validation split, infinite where training failed, and its seconds."""

    trial: Trial
    score: str
    value: float
    seconds: float
    failure: str = ""


def perform(trial: Trial) -> Result:
    """Train on the train split, score on the validation split.

    Raises:
        GenbenchError: a name or a parameter is wrong.
    """
    import genbench
    from genbench.core.errors import BadSamples, ContractError, Diverged
    from genbench.core.seeding import stream

    dataset = genbench.load_dataset(trial.data.name, plugins=trial.plugins, **trial.data.params)
    model = genbench.load_model(trial.model.name, plugins=trial.plugins, **trial.model.params)
    splits = dataset.splits(stream(trial.seed, "data"), Sizes(train=trial.train))
    train, validation = splits.train, splits.validation
    score = (
        "nll" if trial.score == "auto" and model.card.likelihood != "none" else trial.score.replace("auto", "sliced_w2")
    )
    begin = time.perf_counter()
    try:
        model.fit(train, validation, kind=dataset.kind, seed=trial.seed, budget=trial.budget)
        value = _nll(model, validation, trial) if score == "nll" else _distance(model, train, validation, trial)
    except (Diverged, BadSamples, ContractError) as error:
        return Result(trial, score, math.inf, time.perf_counter() - begin, str(error))
    return Result(trial, score, value, time.perf_counter() - begin)


def first_seed(data: Selection, plugins: tuple[str, ...] = ()) -> int:
    """Return the first data seed on which a model may be tuned.

    Raises:
        GenbenchError: the name or a parameter is wrong.
    """
    import genbench

    dataset = genbench.load_dataset(data.name, plugins=plugins, **data.params)
    return OTHER_SEEDS if isinstance(dataset, SyntheticDataset) else 0


def _nll(model: Any, validation: Any, trial: Trial) -> float:
    """Return −mean log p of the validation points, in nats of the data's own units."""
    return -float(model.log_prob(validation, seed=trial.seed).mean())


def _distance(model: Any, train: Any, validation: Any, trial: Trial) -> float:
    """Return the sliced W2 to the validation points, in standard deviations of the training points."""
    from genbench.core.seeding import generator
    from genbench.metrics.sliced_w2 import directions, sliced_wasserstein
    from genbench.numerics.standardiser import Standardiser

    units, n = Standardiser.fit(train), len(validation)
    x, y = (units.forward(a).reshape(n, -1) for a in (model.sample(n, seed=trial.seed), validation))
    return sliced_wasserstein(x, y, directions(x.shape[1], 100, generator(trial.seed, "directions")))


def combinations(model: Selection, grid: Sequence[str]) -> list[Selection]:
    """Return the model as it is, then with every combination of `name=value,value` put in.

    Raises:
        GenbenchError: a part of the grid cannot be read.
    """
    axes = []
    for axis in grid:
        name, equals, values = axis.partition("=")
        if not equals or not values:
            raise GenbenchError(f"cannot read '{axis}': write name=value,value")
        axes.append([parse(f"{model.name}[{name}={value}]").params for value in values.split(",")])
    chosen = [model]
    for parts in itertools.product(*axes):
        params = dict(model.params)
        for part in parts:
            params |= part
        chosen.append(Selection(model.name, params))
    return list({str(spec): spec for spec in chosen}.values())


def run(trials: Sequence[Trial], jobs: int) -> list[Result]:
    """Perform trials in `jobs` processes of one thread each; in this process if 0."""
    from tqdm.auto import tqdm

    if jobs == 0:
        return [perform(trial) for trial in tqdm(trials, unit="trial")]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(perform, trial) for trial in trials]
        try:
            return [done.result() for done in tqdm(as_completed(waiting), total=len(waiting), unit="trial")]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def summary(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return a row a combination, best first: `model`, `behind`, `scores` (data -> mean, standard error), `failed`."""
    values: dict[str, dict[str, list[float]]] = {}
    nats: dict[str, bool] = {}
    for r in results:
        values.setdefault(str(r.trial.model), {}).setdefault(str(r.trial.data), []).append(r.value)
        nats[str(r.trial.data)] = r.score == "nll"
    rows = [{"model": m, "scores": {d: _mean(v) for d, v in by_data.items()}} for m, by_data in values.items()]
    best = {d: min(row["scores"][d][0] for row in rows) for d in nats}
    for row in rows:
        row["behind"] = float(np.mean([_behind(row["scores"][d][0], best[d], nats[d]) for d in nats]))
        row["failed"] = sum(math.isinf(v) for scores in values[row["model"]].values() for v in scores)
    return sorted(rows, key=lambda row: row["behind"])


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error (NaN for a single value or a failure)."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return float(np.mean(values)), math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


def _behind(value: float, best: float, nats: bool) -> float:
    if math.isinf(value):
        return math.inf
    return value - best if nats else value / best - 1


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the table."""
    width = max(len(row["model"]) for row in rows) + 2
    columns = list(rows[0]["scores"])
    print(f"{'':{width}}{'behind':>9}" + "".join(f"{d:>{max(18, len(d) + 2)}}" for d in columns))
    for row in rows:
        cells = [f"{mean:.4f} ± {error:.4f}" for mean, error in row["scores"].values()]
        line = "".join(f"{cell:>{max(18, len(d) + 2)}}" for d, cell in zip(columns, cells, strict=True))
        failed = f"  {row['failed']} failed" if row["failed"] else ""
        print(f"{row['model']:{width}}{row['behind']:9.4f}{line}{failed}")


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="a model, with parameters that stay: cfm or cfm[depth=4]")
    parser.add_argument("--data", default="moons", metavar="NAMES", help="datasets: moons,wine (default: %(default)s)")
    parser.add_argument("--grid", nargs="+", default=[], metavar="NAME=V,V", help="values to try; all combinations are")
    parser.add_argument("--budget", default="quick", help="quick, standard, 2000 (steps), 20s (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="number of seeds (default: %(default)d)")
    parser.add_argument(
        "--train",
        type=int,
        default=Sizes.train,
        metavar="N",
        help="points of a synthetic dataset (default: %(default)d)",
    )
    parser.add_argument("--score", choices=("auto", "nll", "sliced_w2"), default="auto", help="what is scored")
    parser.add_argument("--jobs", type=int, default=cores, metavar="N", help="processes of one thread (default: cores)")
    parser.add_argument("--plugin", action="append", default=[], metavar="PATH", help="a file with plugins of your own")
    chosen = parser.parse_args(arguments)
    if min(chosen.seeds, chosen.train) < 1 or chosen.jobs < 0:
        parser.error("--seeds and --train must be at least 1 and --jobs at least 0")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune, and print the table: exit code 2 when the request was wrong."""
    chosen, begin = options(arguments), time.perf_counter()
    try:
        models, data = combinations(parse(chosen.model), chosen.grid), parse_list(chosen.data)
        tasks = itertools.product(models, data, range(chosen.seeds))
        plugins = tuple(chosen.plugin)
        trials = [
            Trial(m, d, first_seed(d, plugins) + k, chosen.budget, chosen.score, plugins, chosen.train)
            for m, d, k in tasks
        ]
        results = run(trials, min(chosen.jobs, len(trials)))
    except GenbenchError as error:
        print(f"tune: {error}", file=sys.stderr)
        return 2
    show(summary(results))
    for failure in sorted({f"{r.trial.model} on {r.trial.data}: {r.failure}" for r in results if r.failure}):
        print(failure)
    spent, wall = sum(r.seconds for r in results), time.perf_counter() - begin
    print(
        f"{len(trials)} trainings of {chosen.budget}, {spent:.0f} s in all, {wall:.0f} s of wall time; validation only"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
