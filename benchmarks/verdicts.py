"""How often verdicts are wrong, and what they find: simulated tables of known truth, beside the test before them.

Run it as `python benchmarks/verdicts.py [--tables 1000] [--out results/reference/verdicts.json]`; about 15 minutes of
two cores. Scores are logarithms with a standard deviation around 0.172, which is what sliced W2 has over seeds in
genbench's own runs (101 cells; scaled inverse χ² with 5 degrees of freedom). In each table the first model is the best
one, or one of the best, named beforehand.

Columns, each a share of tables: `best lost`, the named best is called worse; `held`, all intervals of "worse by" hold;
`found`, of the worse models, those that are called worse; `as good` and `wrongly`: of all models those that are called
as good as the best with a margin of 10 %, and tables in which one is that is worse by more; `t-test found`, the worse
models that a paired t-test against the leader finds on raw scores, with Holm's correction, which was used before.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from genbench.statistics.best import compare_with_best
from genbench.statistics.paired import holm, paired_tests

SPREAD, FREEDOM = 0.172, 5
MARGIN = np.log(1.1)
SEEDS, MODELS = (2, 3, 5, 10), (5, 10, 20)
NOISES = {
    "equal": "the same variance for all models",
    "unequal": "variances from a scaled inverse χ² with 5 degrees of freedom",
    "wild": "equal, but for one model, any of them, with 10 times the standard deviation",
    "wild best": "the same, and it is the named best",
    "t4": "unequal, and each score from Student's t with 4 degrees of freedom",
    "blocks": "unequal, and effects of seeds of twice the spread, the same for all models",
}
TRUTHS = {"all equal": (), "one 1.5 ×": (1.5,), "one 2 ×": (2.0,), "half 2 ×": None}
COLUMNS = ("best lost", "held", "found", "as good", "wrongly", "t-test found")


def truth_of(name: str, models: int) -> np.ndarray:
    """Return the log-factors by which the models are worse than the best [models]."""
    factors = TRUTHS[name]
    worse = (2.0,) * (models // 2) if factors is None else factors
    return np.log(np.append(np.ones(models - len(worse)), worse))


def simulate(noise: str, truth: np.ndarray, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """Return log-scores [models, seeds] of one table."""
    k = len(truth)
    spread, error = np.full(k, SPREAD), rng.normal(size=(k, seeds))
    if noise in ("unequal", "t4", "blocks"):
        spread *= np.sqrt(FREEDOM / rng.chisquare(FREEDOM, k))
    if noise.startswith("wild"):
        spread[0 if noise == "wild best" else rng.integers(k)] *= 10
    if noise == "t4":
        error = rng.standard_t(4, size=(k, seeds)) / np.sqrt(2)
    block = 2 * SPREAD * rng.normal(size=seeds) if noise == "blocks" else np.zeros(seeds)
    return truth[:, None] + spread[:, None] * error + block


def cell(arguments: tuple[int, int, str, str, int]) -> dict[str, float]:
    """Return the shares of one cell of the table."""
    seeds, models, noise, name, tables = arguments
    truth = truth_of(name, models)
    worse = truth > 0
    least = np.array([truth[i] - np.delete(truth, i).min() for i in range(models)])
    rng, sums = np.random.default_rng([seeds, models, *map(ord, noise + name)]), np.zeros(len(COLUMNS))
    for _ in range(tables):
        y = simulate(noise, truth, seeds, rng)
        found = compare_with_best(y)
        good = found.in_set & (found.high <= MARGIN)
        scores = np.exp(y)
        leader = int(np.argmin(scores.mean(axis=1)))
        p = holm(paired_tests(np.broadcast_to(scores[leader], scores.shape), scores)[-1])
        sums += (
            not found.in_set[0],
            bool(((found.low <= least + 1e-12) & (least <= found.high + 1e-12)).all()),
            (~found.in_set[worse]).mean() if worse.any() else np.nan,
            good.mean(),
            bool((good & (least > MARGIN)).any()),
            (p[worse] < 0.05).mean() if worse.any() else np.nan,
        )
    return dict(zip(COLUMNS, (sums / tables).round(4).tolist(), strict=True))


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000, help="simulated tables of each cell")
    parser.add_argument("--seeds", type=lambda text: [int(n) for n in text.split(",")], default=SEEDS)
    parser.add_argument("--models", type=lambda text: [int(n) for n in text.split(",")], default=MODELS)
    parser.add_argument("--out", type=Path, help="a JSON file")
    asked = parser.parse_args()
    cells = list(itertools.product(asked.seeds, asked.models, NOISES, TRUTHS))
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(cell, [(*one, asked.tables) for one in cells]))
    print(f"{asked.tables} tables a cell: two standard errors of a share of 5 % are "
          f"{200 * np.sqrt(0.05 * 0.95 / asked.tables):.1f} %.\n")  # fmt: skip
    print("| seeds | models | noise | truth | " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * (4 + len(COLUMNS)))
    for (seeds, models, noise, name), shares in zip(cells, found, strict=True):
        texts = ["–" if np.isnan(share) else f"{100 * share:.1f} %" for share in shares.values()]
        print(f"| {seeds} | {models} | {noise} | {name} | " + " | ".join(texts) + " |")
    if asked.out:
        rows = [
            {"seeds": seeds, "models": models, "noise": noise, "truth": name}
            | {column: None if np.isnan(share) else share for column, share in shares.items()}
            for (seeds, models, noise, name), shares in zip(cells, found, strict=True)
        ]
        asked.out.write_text(json.dumps({"tables": asked.tables, "noises": NOISES, "cells": rows}, indent=1) + "\n")
        print(f"\nwritten to {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
