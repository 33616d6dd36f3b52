"""How much sooner ours reach what peers do: the same data, one core, the same seconds of training, one after the other.

For each pair and dataset the peer trains first, for `--seconds` of wall time, then ours, for 1/20, 1/10, 1/4, 1/2 and
all of that time. Both see the same standardised training points, so many (`--train`) that the excess speaks of the
models and not of their sample: 20,000 training points, drawn again, are themselves half a floor above it. Both are
scored by genbench's own metrics at n = 50,000, on the same reference points and directions.

  excess   sliced W2 above that of the oracle, fresh draws of the truth (its mean over 4 draws); in the data's units
  kl       KL(truth ‖ model) in nats, where both have a density
  ratio    ours / theirs, beside the goal; a kl has no ratio where the peer has none
  sooner   the peer's seconds over the fewest seconds in which ours reached its score (its kl too, where it has one)

Scores are means over the seeds, with their standard errors. A peer whose samples are not finite has diverged: it gets
no score, and that seed no ratio.

  python benchmarks/peers.py                                       all of it: about 20 minutes a seed on a quiet core
  python benchmarks/peers.py --pairs spline_flow --data moons      one pair on one dataset
  python benchmarks/peers.py --out results/reference/peers.json    keep the table
  python benchmarks/peers.py --show results/reference/peers.json   print a table that was kept
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers_table import show, store, stored

SHARES = (1 / 20, 1 / 10, 1 / 4, 1 / 2, 1)
ORACLE_DRAWS = 4
PAIRS = {  # ours: the peer, the goal of ours / theirs
    "cfm": ("torchcfm_icfm", 1 / 5),
    "ot_cfm": ("torchcfm_otcfm", 1 / 5),
    "ddpm": ("diffusers_ddpm", 1 / 5),
    "spline_flow": ("zuko_nsf", 1 / 3),
    "coupling_flow": ("normflows_realnvp", 1 / 3),
}
DATA = ("moons", "checkerboard", "eight_gaussians")
FAILED = {"status": "diverged", "sliced_w2": None, "excess": None, "kl": None}


class Course:
    """A dataset with a seed: its splits, and the same score for whoever ran."""

    def __init__(self, name: str, seed: int, train: int) -> None:
        import genbench
        from genbench.contracts.dataset import Sizes
        from genbench.core.seeding import stream
        from genbench.numerics.standardiser import Standardiser

        self.dataset, self.seed = genbench.load_dataset(name), seed
        self.splits = self.dataset.splits(stream(seed, "data"), Sizes(train=train))
        self.units = Standardiser.fit(self.splits.train)
        draws = [self.dataset.sample(50_000, seed=stream(seed, "oracle", k)) for k in range(ORACLE_DRAWS)]
        self.floor = float(np.mean([self.score(x)["sliced_w2"] for x in draws]))

    def score(self, samples: Any, log_prob: Any = None) -> dict[str, float | None]:
        """Return sliced_w2, kl (None without a density) and, once the floor is known, the excess."""
        from genbench.contracts.evidence import Evidence
        from genbench.core.seeding import stream
        from genbench.evaluation.evaluator import evaluate

        evidence = Evidence(self.dataset, samples, self.splits.test, log_prob, stream(self.seed, "evaluation"))
        scores = evaluate(evidence, ["sliced_w2", "kl"]).metrics
        return scores | ({"excess": scores["sliced_w2"] - self.floor} if hasattr(self, "floor") else {})


def run(model: str, course: Course, seconds: float, with_kl: bool = True) -> dict[str, Any]:
    """Train and score a model on a budget of wall seconds; `status` is "diverged" where its samples are not finite."""
    import genbench
    from genbench.core.errors import BadSamples, Diverged

    learner = genbench.load_model(model)
    facts: dict[str, Any] = {"seconds": seconds}
    try:
        begin = time.perf_counter()
        learner.fit(
            course.splits.train, course.splits.validation, seed=course.seed, budget=f"{seconds:g}s", progress=True
        )  # fmt: skip
        facts |= {"train_seconds": time.perf_counter() - begin, "steps": learner.history.steps}
        with_kl = with_kl and learner.likelihood != "none"
        log_prob = learner.log_prob(course.splits.test, seed=course.seed) if with_kl else None
        return facts | {"status": "ok", **course.score(learner.sample(50_000, seed=course.seed), log_prob)}
    except (BadSamples, Diverged) as error:
        return facts | FAILED | {"why": str(error)}


def compare(model: str, data: str, seed: int, seconds: float, train: int) -> dict[str, Any]:
    """Return one row of the table: the peer, then ours at each share of its time."""
    name, goal = PAIRS[model]
    course = Course(data, seed, train)
    peer = {"recipe": name} | run(name, course, seconds)
    final = run(model, course, seconds)
    runs = [run(model, course, share * seconds, with_kl=peer["kl"] is not None) for share in SHARES[:-1]]
    runs.append(final)
    row = {"model": model, "data": data, "seed": seed, "seconds": seconds, "train": train}
    return row | {"floor": course.floor, "goal": goal, "peer": peer, "ours": runs}


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default=",".join(PAIRS), metavar="NAMES", help="our models (default: all five)")
    parser.add_argument("--data", default=",".join(DATA), metavar="NAMES", help="datasets (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="training time of the peer (default: %(default)g)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 … N−1 (default: %(default)d)")
    parser.add_argument("--train", type=int, default=200_000, help="training points (default: %(default)d)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="store the table as JSON, beside rows of other runs")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table stored there, and train nothing")
    chosen = parser.parse_args()
    chosen.pairs, chosen.data = chosen.pairs.split(","), chosen.data.split(",")
    if unknown := set(chosen.pairs) - set(PAIRS):
        parser.error(f"no peer for {min(unknown)}; choose from {', '.join(PAIRS)}")
    if not chosen.seconds > 0 or min(chosen.seeds, chosen.train) < 1:
        parser.error("--seconds must be positive, --seeds and --train at least 1")
    return chosen


def train_pairs(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of the pairs, run in turn: GenbenchError when a peer is not installed or a name is unknown."""
    import torch
    import torch._dynamo
    from tqdm.auto import tqdm

    from genbench.contracts.model import MODELS
    from genbench.core.libraries import library_of, require_library
    from genbench.core.registry import discover

    discover(groups=("models",))
    cards = [MODELS[PAIRS[pair][0]] for pair in chosen.pairs]
    for card in cards:
        require_library(card)
    torch.set_num_threads(1)
    if chosen.out:
        stored(chosen.out)  # a wrong file is refused before anything is trained
    rows: list[dict[str, Any]] = []
    tasks = [(pair, data, seed) for seed in range(chosen.seeds) for data in chosen.data for pair in chosen.pairs]
    bar = tqdm(tasks, unit="pair")
    for pair, data, seed in bar:
        bar.set_description(f"{pair} on {data}")
        rows.append(compare(pair, data, seed, chosen.seconds, chosen.train))
        if chosen.out:
            store(rows, chosen.out, sorted({library.name for card in cards if (library := library_of(card))}))
    return rows


def kept(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file: GenbenchError when it holds none."""
    from genbench.core.errors import GenbenchError

    if not (rows := stored(path)):
        raise GenbenchError(f"{path} is not there or has no rows; make it by --out")
    return rows


def main() -> int:
    """Print the table of the pairs, run in turn or kept in a file: exit code 2 where that cannot be."""
    from genbench.core.errors import GenbenchError

    chosen = options()
    try:
        show(kept(chosen.show) if chosen.show else train_pairs(chosen))
    except GenbenchError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
