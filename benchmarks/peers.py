"""Ours beside the peers' published recipes: the same data, one core, the same seconds of training, one after the other.

For each pair and dataset the peer trains first, for `--seconds` of wall time, then ours, for 1/20, 1/10, 1/4, 1/2 and
all of that time. Both see the same standardised training points, so many (`--train`) that the excess speaks of the
models and not of their sample: 20,000 training points, drawn again, are themselves half a floor above it. Both are
scored by genbench's own metrics at n = 50,000, on the same reference points and directions.

  excess   sliced W2 above that of the oracle, fresh draws of the truth (its mean over 4 draws); in the data's units
  kl       KL(truth ‖ model) in nats, where both have a density
  ratio    ours / theirs, beside the goal; a kl has no ratio where the peer has none
  sooner   the peer's seconds over the fewest seconds in which ours reached its score (its kl too, where it has one)

A peer whose samples are not finite has diverged: it gets no score, and no ratio is taken.

  python benchmarks/peers.py                                       all of it: about 20 minutes a seed on a quiet core
  python benchmarks/peers.py --pairs spline_flow --data moons      one pair on one dataset
  python benchmarks/peers.py --out results/reference/peers.json    keep the table
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

SHARES = (1 / 20, 1 / 10, 1 / 4, 1 / 2, 1)
ORACLE_DRAWS = 4
SOONER_GOAL = 10.0
PAIRS = {  # ours: the peer's recipe, the package that it needs, the goal of ours / theirs
    "cfm": ("torchcfm I-CFM", "torchcfm", 1 / 5),
    "ot_cfm": ("torchcfm OT-CFM", "torchcfm", 1 / 5),
    "ddpm": ("tiny-diffusion", "torch", 1 / 5),
    "spline_flow": ("zuko NSF", "zuko", 1 / 3),
    "coupling_flow": ("normflows RealNVP", "normflows", 1 / 3),
}
DATA = ("moons", "checkerboard", "eight_gaussians")
FAILED = {"status": "diverged", "sliced_w2": None, "excess": None, "kl": None}
INSTALL = (
    "install the peers with `pip install -e .[peers]` and `pip install --no-deps torchcfm` "
    "(its own requirements pull in gigabytes that are not needed here)"
)


class Course:
    """A dataset with a seed: its splits, and the same score for whoever ran."""

    def __init__(self, name: str, seed: int, train: int) -> None:
        import genbench
        from genbench.dataset import Sizes
        from genbench.seeding import stream
        from genbench.standardise import Standardiser

        self.dataset, self.seed = genbench.load_dataset(name), seed
        self.splits = self.dataset.splits(stream(seed, "data"), Sizes(train=train))
        self.units = Standardiser.fit(self.splits.train)
        draws = [self.dataset.sample(50_000, seed=stream(seed, "oracle", k)) for k in range(ORACLE_DRAWS)]
        self.floor = float(np.mean([self.score(x)["sliced_w2"] for x in draws]))

    def score(self, samples: Any, log_prob: Any = None) -> dict[str, float | None]:
        """Return sliced_w2, kl (None without a density) and, once the floor is known, the excess."""
        from genbench.evaluation import evaluate
        from genbench.metric import Evidence
        from genbench.seeding import stream

        evidence = Evidence(self.dataset, samples, self.splits.test, log_prob, stream(self.seed, "evaluation"))
        scores = evaluate(evidence, ["sliced_w2", "kl"]).metrics
        return scores | ({"excess": scores["sliced_w2"] - self.floor} if hasattr(self, "floor") else {})


def run_peer(recipe: str, course: Course, seconds: float) -> dict[str, Any]:
    """Train and score a peer; `status` is "diverged" where its samples or densities are not finite."""
    import torch
    from published_recipes import RECIPES

    from genbench.errors import BadSamples
    from genbench.seeding import isolated, stream

    def tensor(x: Any) -> torch.Tensor:
        return torch.tensor(course.units.forward(x), dtype=torch.float32)

    facts: dict[str, Any] = {"recipe": recipe}
    try:
        with isolated(stream(course.seed, "peer", recipe)):
            begin = time.perf_counter()
            peer = RECIPES[recipe](tensor(course.splits.train), seconds)
            facts |= {"train_seconds": time.perf_counter() - begin, "steps": peer.steps}
            with torch.no_grad():
                samples = course.units.inverse(peer.sample(50_000).double().numpy())
                log_prob = None
                if peer.log_prob is not None:
                    log_prob = peer.log_prob(tensor(course.splits.test)).double().numpy() + course.units.log_det
        if log_prob is not None and np.isnan(log_prob).any():
            raise BadSamples("densities are NaN")
        return facts | {"status": "ok", **course.score(samples, log_prob)}
    except (BadSamples, ValueError) as error:  # torch's distributions raise ValueError for parameters that are NaN
        return facts | FAILED | {"why": str(error)}


def run_ours(model: str, course: Course, seconds: float, with_kl: bool) -> dict[str, Any]:
    """Train and score one of our models on a budget of wall seconds."""
    import genbench
    from genbench.errors import BadSamples, Diverged

    ours = genbench.load_model(model)
    facts: dict[str, Any] = {"seconds": seconds}
    try:
        begin = time.perf_counter()
        ours.fit(
            course.splits.train, course.splits.validation, seed=course.seed, budget=f"{seconds:g}s", progress=True
        )  # fmt: skip
        facts |= {"train_seconds": time.perf_counter() - begin, "steps": ours.history.steps}
        log_prob = ours.log_prob(course.splits.test, seed=course.seed) if with_kl else None
        return facts | {"status": "ok", **course.score(ours.sample(50_000, seed=course.seed), log_prob)}
    except (BadSamples, Diverged) as error:
        return facts | FAILED | {"why": str(error)}


def compare(model: str, data: str, seed: int, seconds: float, train: int) -> dict[str, Any]:
    """Return one row of the table: the peer, then ours at each share of its time."""
    recipe, _, goal = PAIRS[model]
    course = Course(data, seed, train)
    peer = run_peer(recipe, course, seconds)
    final = run_ours(model, course, seconds, with_kl=True)
    runs = [run_ours(model, course, share * seconds, with_kl=peer["kl"] is not None) for share in SHARES[:-1]]
    runs.append(final)
    row = {
        "model": model,
        "data": data,
        "seed": seed,
        "seconds": seconds,
        "train": train,
        "floor": course.floor,
        "goal": goal,
    }
    return row | {
        "peer": peer,
        "ours": runs,
        "ratio": {name: _ratio(final[name], peer[name]) for name in ("excess", "kl")},
        "sooner": _sooner(runs, peer, seconds),
    }


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    """Return ours / theirs; None where one is missing or the peer is at the floor itself."""
    return None if ours is None or theirs is None or theirs <= 0 else ours / theirs


def _sooner(runs: list[dict[str, Any]], peer: dict[str, Any], seconds: float) -> float | None:
    """Return seconds / the fewest seconds with which ours is as good as the peer; None if never, or if it diverged."""
    names = [name for name in ("excess", "kl") if peer[name] is not None]
    reached = [
        run["seconds"]
        for run in runs
        if names and all(run[name] is not None and run[name] <= peer[name] for name in names)
    ]
    return seconds / min(reached) if reached else None


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table, and how many of the goals were met."""
    head = ("model", "peer", "data", "seed", "floor", "excess", "peer's", "ratio", "kl", "peer's", "ratio", "goal")
    print(("{:14}{:19}{:16}{:>5}" + "{:>9}" * 8 + "{:>8}").format(*head, "sooner"))
    for row in rows:
        final, peer, ratio = row["ours"][-1], row["peer"], row["ratio"]
        theirs = [_text(peer[name]) if peer["status"] == "ok" else "diverged" for name in ("excess", "kl")]
        own = [_text(final[name]) if final["status"] == "ok" else "diverged" for name in ("excess", "kl")]
        cells = [_text(row["floor"]), own[0], theirs[0], _text(ratio["excess"], 2), own[1]]
        cells += [theirs[1], _text(ratio["kl"], 2), _text(row["goal"], 2)]
        line = f"{row['model']:14}{peer['recipe']:19}{row['data']:16}{row['seed']:>5}"
        print(line + "".join(f"{cell:>9}" for cell in cells) + f"{_text(row['sooner'], 0):>8}")
    ratios = [(value, row["goal"]) for row in rows for value in row["ratio"].values() if value is not None]
    sooner = [row["sooner"] or 0 for row in rows if row["peer"]["status"] == "ok"]
    print(f"{sum(value <= goal for value, goal in ratios)} of {len(ratios)} ratios within their goal; ", end="")
    print(f"{sum(s >= SOONER_GOAL for s in sooner)} of {len(sooner)} at least {SOONER_GOAL:.0f} times sooner")


def _text(value: float | None, digits: int = 4) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def store(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the rows with what they ran on, each with its commit; rows of earlier runs stay, but for the same pairs."""
    from genbench.environment import environment
    from genbench.files import write_whole

    facts = environment()
    rows = [row | {"commit": facts["commit"]} for row in rows]
    taken = {_place(row) for row in rows}
    rows = sorted([*(row for row in stored(path) if _place(row) not in taken), *rows], key=_place)
    packages = {package for _, package, _ in PAIRS.values()}
    facts["libraries"] |= {name: version(name) for name in sorted(packages) if _installed(name)}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": facts, "rows": rows}, indent=1) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def stored(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that may not be there; GenbenchError if it holds something else."""
    from genbench.errors import GenbenchError

    if not path.exists():
        return []
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        list(map(_place, rows))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GenbenchError(f"{path} holds no table of peers; give --out another file") from error
    return rows


def _place(row: dict[str, Any]) -> tuple[int, int, str, int]:
    """Return where a row stands in the whole table."""
    seed, data, model = row["seed"], row["data"], row["model"]
    return seed, DATA.index(data) if data in DATA else len(DATA), data, list(PAIRS).index(model)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default=",".join(PAIRS), metavar="NAMES", help="our models (default: all five)")
    parser.add_argument("--data", default=",".join(DATA), metavar="NAMES", help="datasets (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="training time of the peer (default: %(default)g)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 … N−1 (default: %(default)d)")
    parser.add_argument("--train", type=int, default=200_000, help="training points (default: %(default)d)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="store the table as JSON, beside rows of other runs")
    chosen = parser.parse_args()
    chosen.pairs, chosen.data = chosen.pairs.split(","), chosen.data.split(",")
    if unknown := set(chosen.pairs) - set(PAIRS):
        parser.error(f"no peer for {min(unknown)}; choose from {', '.join(PAIRS)}")
    if not chosen.seconds > 0 or min(chosen.seeds, chosen.train) < 1:
        parser.error("--seconds must be positive, --seeds and --train at least 1")
    return chosen


def main() -> int:
    """Run the pairs in turn and print the table: exit code 2 when a peer is not installed or a name is unknown."""
    chosen = options()
    missing = sorted({PAIRS[pair][1] for pair in chosen.pairs if not _installed(PAIRS[pair][1])})
    if missing:
        print(f"peers: {', '.join(missing)} missing; {INSTALL}", file=sys.stderr)
        return 2
    import torch
    import torch._dynamo
    from tqdm.auto import tqdm

    from genbench.errors import GenbenchError

    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    tasks = [(pair, data, seed) for seed in range(chosen.seeds) for data in chosen.data for pair in chosen.pairs]
    bar = tqdm(tasks, unit="pair")
    try:
        if chosen.out:
            stored(chosen.out)  # a wrong file is refused before anything is trained
        for pair, data, seed in bar:
            bar.set_description(f"{pair} on {data}")
            rows.append(compare(pair, data, seed, chosen.seconds, chosen.train))
            if chosen.out:
                store(rows, chosen.out)
    except GenbenchError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
