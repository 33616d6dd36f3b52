"""How far FID ranks models of pictures as KL does, where the truth's density is known.

    genbench run --models all --data known_digits --budget standard --name known-digits --results results/reference
    python benchmarks/fid_and_kl.py results/reference/known-digits

prints Spearman's rank correlation of each picture metric with KL over the models that have a density, controls too,
with a 95 % interval by drawing models with replacement, and writes it into the run's folder. Scores are means over the
seeds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from genbench import load_run

METRICS = ("fid", "feature_precision", "feature_recall", "precision", "recall", "sliced_w2", "typicality")
DRAWS = 10_000


def correlation(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Return Spearman's correlation of scores x [n] and y [n], and the interval of the percentile bootstrap."""
    rows = rng.integers(len(x), size=(DRAWS, len(x)))
    some = [spearmanr(x[r], y[r]).statistic for r in rows if len(set(x[r])) > 2]
    low, high = np.nanquantile(some, [0.025, 0.975])
    return {"spearman": float(spearmanr(x, y).statistic), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    rows = [row for row in load_run(run).leaderboard().rows if row.role != "oracle" and row.metrics.get("kl")]
    found: dict[str, object] = {"models": [row.model for row in rows]}
    for name in METRICS:
        if all(row.metrics.get(name) for row in rows):
            scores = [np.array([row.metrics[m].mean for row in rows]) for m in ("kl", name)]
            found[name] = correlation(*scores, np.random.default_rng(0))
            print(name, found[name])
    (run / "fid_and_kl.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
