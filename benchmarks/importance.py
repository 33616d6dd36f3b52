"""A VAE's bound with thousands of importance samples, in nats a picture, of a stored run.

Run it as `python benchmarks/importance.py results/reference/mnist-binarised [--model vae] [--samples 5000]`.

The bound L_K rises with K towards log p (Burda et al. 2016). All test pictures are scored with a small K, some of them
with the large one as well: the mean of L_5000 is that of the small one plus the mean difference, whose spread over
pictures is far less than that of either. Of pictures with grey levels the nats are those of the levels' masses.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

import genbench
from genbench.core.registry import discover
from genbench.runs.reload import find, revive
from genbench.tasks.steps import load_data

SMALL = 50


def main() -> None:
    """Print the bounds and their standard errors, and write them beside the leaderboard."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", default="vae")
    parser.add_argument("--samples", type=int, default=5000, help="K (5000)")
    parser.add_argument("--pictures", type=int, default=200, help="test pictures that get so many (200)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    discover()
    trained = find(genbench.load_run(options.run), options.model)
    dataset, splits = load_data(trained.spec)
    assert dataset.levels is not None
    nats = math.prod(dataset.shape) * math.log(dataset.levels)  # of the density within the levels
    few, test = splits.test[: options.pictures], splits.test
    small, large = (revive(trained, {"importance_samples": k}) for k in (SMALL, options.samples))
    whole, part = nats - small.log_prob(test, seed=0), nats - small.log_prob(few, seed=0)
    gain = part - (nats - large.log_prob(few, seed=0))
    error = math.hypot(whole.std(ddof=1) / len(whole) ** 0.5, gain.std(ddof=1) / len(gain) ** 0.5)
    found = {
        "model": trained.spec.model,
        "dataset": trained.spec.dataset,
        f"nats, K = {SMALL}": float(whole.mean()),
        f"gain of K = {options.samples} on {len(few)} pictures": float(gain.mean()),
        f"nats, K = {options.samples}": float(whole.mean() - gain.mean()),
        "standard error": float(error),
        "test pictures": len(test),
    }
    assert np.isfinite(error)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    print(text)
    (options.run / f"importance-{options.model}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
