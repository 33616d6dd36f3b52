"""Entropies of the problems against the mean of −log p over ten million draws.

    python benchmarks/entropies.py [--draws 10000000] [--data hard,…]

prints a line a dataset: the entropy that it states, the mean with its standard error, and their difference in errors.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from genbench import load_dataset
from genbench.contracts.dataset import DATASETS
from genbench.core.registry import discover

MORE = "gmm40[dim=8],log_normal,known_digits,textures,rare_modes,gaussian_mixture[dim=256],funnel[dim=64],noisy[dim=64]"
PART = 100_000  # draws at a time


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=10**7)
    parser.add_argument("--data", default=f"hard,{MORE}")
    asked = parser.parse_args()
    discover(groups=("datasets",))
    for selection in DATASETS.select(asked.data):
        dataset = load_dataset(selection.name, **selection.params)
        sums = np.zeros(2)
        parts = max(1, asked.draws // PART)
        for k in range(parts):
            nats = -dataset.log_prob(dataset.sample(PART, seed=1_000 + k))
            sums += nats.sum(), np.square(nats - dataset.entropy).sum()
        n = parts * PART
        mean = sums[0] / n
        error = math.sqrt((sums[1] / n - (mean - dataset.entropy) ** 2) / n)
        off = (mean - dataset.entropy) / error if error > 1e-12 else 0.0
        print(f"{selection}: {dataset.entropy:.6f}, {mean:.6f} ± {error:.6f}, {off:+.2f} errors", flush=True)


if __name__ == "__main__":
    main()
